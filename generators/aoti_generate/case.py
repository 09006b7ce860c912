# SPDX-License-Identifier: Apache-2.0
"""The vocabulary a case is written in, one screen: @case, c.dim, c.input, c.nest, c.call, c.violation, c.data_error, c.tasks, c.steps,
c.after, c.beside, c.weight_sets, c.needs_torch, c.model, c.forward.

A case is a program, how it is exported, and what each call of the compiled package must do. It is written in one file under
`aoti_generate/cases/`; everything else (plan, package, golden, tests) follows. Nothing here or there imports torch at module level:
the plan must exist where torch does not.
"""

from __future__ import annotations

import inspect
import re
import typing
from dataclasses import dataclass, field, replace
from pathlib import Path

from .formula import ValueRange

if typing.TYPE_CHECKING:
    import torch

DTYPES = ("float64", "float32", "float16", "bfloat16", "complex128", "complex64", "int64", "int32", "int16", "int8", "uint8", "bool")
# default: compiled and run by everybody. full: with `--profile full`, or where named. named: where named only, for it is large.
PROFILES = ("default", "full", "named")
# Where a program runs. hybrid: in part on each, as its model says with `placement.cuda()`.
DEVICES = ("cpu", "cuda", "hybrid")
# How the elements of an input lie in memory; `strides_of` says it in numbers.
LAYOUTS = ("row_major", "transposed", "channels_last", "every_other")
_NAME = re.compile(r"^[a-z][a-z0-9_]*$")
_PLACE = re.compile(r"^(cpu|cuda(:[1-9])?)$")
_LIMITS = {
    "int64": (-(2**53), 2**53),
    "int32": (-(2**31), 2**31 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "int8": (-128, 127),
    "uint8": (0, 255),
    "bool": (0, 1),
}


@dataclass(frozen=True)
class Dim:
    """A dynamic dimension: every size in [min, max] is promised to work. `example` is the size the program is exported with.

    `beyond`: further sizes above the range that a document names. `2 * dim` and `dim + 1` are derived sizes for shapes.
    """

    name: str
    min: int
    max: int
    example: int
    beyond: tuple[int, ...] = ()

    def __mul__(self, times: int) -> Derived:
        return Derived(self, times, 0)

    __rmul__ = __mul__

    def __add__(self, plus: int) -> Derived:
        return Derived(self, 1, plus)


@dataclass(frozen=True)
class Derived:
    """The size times * dim + plus."""

    dim: Dim
    times: int
    plus: int


Size = int | Dim | Derived


def strides_of(layout: str, shape: typing.Sequence[int]) -> tuple[int, ...]:
    """Strides of an input of `layout`, in elements. The same stands in fixtures/tensor.cc."""
    order = list(range(len(shape)))  # from the dimension that runs slowest to the one that runs fastest
    if layout == "transposed":
        order[-2], order[-1] = order[-1], order[-2]
    if layout == "channels_last":
        order.append(order.pop(1))
    stride = 2 if layout == "every_other" else 1  # a view of every other element of a tensor twice as wide
    strides = [0] * len(shape)
    for dimension in reversed(order):
        strides[dimension] = stride
        stride *= max(shape[dimension], 1)
    return tuple(strides)


def dim_of(size: Size) -> Dim | None:
    """The Dim a size depends on."""
    return size.dim if isinstance(size, Derived) else size if isinstance(size, Dim) else None


@dataclass(frozen=True)
class Input:
    """A tensor input; `shape` counts elements and may hold Dims and sizes derived from them; `layout` is one of LAYOUTS, `device` cpu, cuda, or
    cuda:1 and so on where it is not the first."""

    name: str
    dtype: str
    shape: tuple[Size, ...]
    values: ValueRange
    layout: str = "row_major"
    device: str = "cpu"


@dataclass(frozen=True)
class Violation:
    """What a call breaks: input number, dimension number, the size given."""

    input: int
    dim: int
    size: int


@dataclass(frozen=True)
class Feed:
    """Where an input of a call comes from: the output of another case's package, called with its example."""

    input: int
    case: str
    output: int


@dataclass(frozen=True)
class Call:
    """One call of the package. `cell` says which property it serves; `expect` is ok, refused (where checks are on) or recorded."""

    name: str
    cell: str
    expect: str
    shapes: tuple[tuple[int, ...], ...]
    values: tuple[ValueRange, ...]
    violates: Violation | None = None
    feed: Feed | None = None
    weights: tuple[int, int] = (0, 0)  # sets that the weights at even and at odd positions are of; set 0 is compiled in
    inputs_of: str = ""  # the call whose inputs it is given, where they are not its own


class CaseError(Exception):
    """A case that cannot be: the text names file and line, the case and the field."""


@dataclass
class Case:
    """Filled by the function that describes it. See `generators/aoti_generate/cases/` for examples.

    contraction: number of terms in the longest sum behind one output element; scales the numeric limit.
    representative: one of the few that stand for all where a property is about the loader rather than the program.
    profile: who compiles and runs it, one of PROFILES.
    repeats: the case whose program this is again, with other sizes: it is not counted as a program of its own.
    fake_example: export with an example input that has no data.
    operators: the program uses the project's library of custom operators, runners/operators.cc.
    weight_bytes: size of the parameters, said where it is so large that one copy more can be seen in the memory of a process.
    since: first torch that can build it, with the reason.
    device: where it runs, one of DEVICES. output_device: where its outputs lie.
    twin_of: the case that this one is on another device: formula and golden are those of that case.
    refused_by_host: calls whose data a program on CUDA refuses before a kernel sees them.
    on_cuda: its twin on CUDA is of the default profile, though the case is not.
    tensorrt: made by Torch-TensorRT, with engines inside.
    compiled_for: compute capability, times ten, of a CUDA device that the package is compiled for without having it; 0: for what is there.
    """

    name: str
    source: str
    doc: str
    file: Path
    line: int
    device: str = "cpu"
    output_device: str = "cpu"
    twin_of: str = ""
    compiled_for: int = 0
    tensorrt: bool = False
    on_cuda: bool = False
    dims: list[Dim] = field(default_factory=list)
    inputs: list[Input] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    refused_by_host: set[str] = field(default_factory=set)
    contraction: int = 1
    weight_bytes: int = 0
    fake_example: bool = False
    operators: bool = False
    stateful: bool = False
    representative: bool = False
    profile: str = "default"
    repeats: str = ""
    weights: ValueRange = field(default_factory=lambda: ValueRange(-64, 63, 9))
    sets_of_weights: int = 0
    options: dict[str, typing.Any] = field(default_factory=dict)
    since: tuple[str, str] | None = None
    builder: typing.Callable[[], typing.Any] | None = None
    arrange: typing.Callable[..., tuple[typing.Any, ...]] | None = None

    # --- what a case says ---------------------------------------------------------------------------------------------
    def dim(self, name: str, *, min: int, max: int, example: int | None = None, beyond: tuple[int, ...] = ()) -> Dim:
        """A dynamic dimension. Every input that uses it shares it."""
        dim = Dim(name, min, max, example if example is not None else (min + max) // 2, beyond)
        self._require(bool(_NAME.match(name)), f"dim {name}: a name is [a-z][a-z0-9_]*")
        self._require(0 <= min <= max, f"dim {name}: [{min}, {max}] holds no size")
        self._require(all(d.name != name for d in self.dims), f"dim {name}: described twice; use the one that c.dim returned")
        self._require(all(size > max + 1 for size in beyond), f"dim {name}: beyond: {beyond} must lie above {max + 1}, which is tried anyway")
        self._require(min <= dim.example <= max, f"dim {name}: example {dim.example} is outside [{min}, {max}]")
        self.dims.append(dim)
        return dim

    def input(
        self, name: str, dtype: str, shape: tuple[Size, ...], values: ValueRange | None = None, *, layout: str = "row_major", device: str = ""
    ) -> None:
        """The next input, in call order. `device`: where it lies, in a hybrid program; empty: on the CPU."""
        self._require(bool(_NAME.match(name)), f"input {name}: a name is [a-z][a-z0-9_]*")
        self._require(all(spec.name != name for spec in self.inputs), f"input {name}: described twice")
        self._require(dtype in DTYPES, f"input {name}: unknown dtype {dtype}; known: {', '.join(DTYPES)}")
        if values is None:
            low, high = _LIMITS.get(dtype, (-64, 63))
            values = ValueRange(max(low, -64), min(high, 63), 0 if dtype in _LIMITS else 5)
        self._require(layout in LAYOUTS, f"input {name}: layout: unknown layout {layout}; known: {', '.join(LAYOUTS)}")
        ranks = {"transposed": len(shape) >= 2, "channels_last": len(shape) >= 3}
        self._require(ranks.get(layout, True), f"input {name}: layout: {layout} needs more dimensions than {len(shape)}")
        for size in shape:
            self._require(
                size >= 0 if isinstance(size, int) else dim_of(size) in self.dims,
                f"input {name}: shape: {size} is neither a size nor a dim of this case",
            )
        self._check_values(name, dtype, values)
        place = device or ("cuda" if self.device == "cuda" else "cpu")
        self._require(bool(_PLACE.match(place)), f"input {name}: device: {place} is none of cpu, cuda, cuda:1 to cuda:9")
        self._require(not device or self.device == "hybrid", f"input {name}: device: only a hybrid program chooses where its inputs lie")
        self.inputs.append(Input(name, dtype, tuple(shape), values, layout, place))

    def nest(self, arrange: typing.Callable[..., tuple[typing.Any, ...]]) -> None:
        """How the model takes its inputs, where it is not one after the other: `arrange` is given all of them and returns the positional
        arguments, with inputs in lists, tuples and dicts, in call order."""
        self.arrange = arrange

    def arguments(self, leaves: typing.Sequence[typing.Any]) -> tuple[typing.Any, ...]:
        """The positional arguments that hold one leaf per input."""
        return tuple(leaves) if self.arrange is None else self.arrange(*leaves)

    def call(self, name: str, *, sizes: dict[str, int] | None = None, values: dict[str, ValueRange] | None = None) -> None:
        """A call inside the contract: judged against the golden. `values` replaces an input's value range."""
        dims = {d.name: d for d in self.dims}
        for dim, size in (sizes or {}).items():
            self._require(dim in dims, f"call {name}: sizes: no dim is called {dim}")
            self._require(dims[dim].min <= size <= dims[dim].max, f"call {name}: sizes: {dim}={size} is outside [{dims[dim].min}, {dims[dim].max}]")
        for input, replaced in (values or {}).items():
            self._check_values(input, self.inputs[self._input_index(input, f"call {name}: values")].dtype, replaced)
        self._add(name, "named", "ok", self.shapes_at(sizes or {}), values)

    def violation(self, name: str, *, input: str, dim: int, size: int, others: dict[str, tuple[int, ...]] | None = None) -> None:
        """A call that breaks a static size or an equality: refused where input checks are on, recorded where they are off."""
        index = self._input_index(input, f"call {name}: input")
        shapes = [list(shape) for shape in self.shapes_at({})]
        for other, shape in (others or {}).items():
            shapes[self._input_index(other, f"call {name}: others")] = list(shape)
        rank = len(shapes[index])
        self._require(0 <= dim < rank, f"call {name}: dim: input {input} has {rank} dimensions, there is no number {dim}")
        self._require(size >= 0 and size != shapes[index][dim], f"call {name}: size: {size} breaks nothing in dimension {dim} of input {input}")
        shapes[index][dim] = size
        cell = "static" if isinstance(self.inputs[index].shape[dim], int) else "unequal"
        self._add(name, cell, "refused", [tuple(s) for s in shapes], None, Violation(index, dim, size))

    def data_error(self, name: str, *, values: dict[str, ValueRange], by_host: bool = False) -> None:
        """A call of the right shapes whose values eager PyTorch refuses, such as an index that is out of range.

        by_host: on a device too it is the host that looks at the value, and refuses before a kernel sees it.
        """
        for input, replaced in values.items():
            self._check_values(input, self.inputs[self._input_index(input, f"call {name}: values")].dtype, replaced)
        self._require(bool(values), f"call {name}: values: none is named, so the call is the example")
        self._add(name, "data", "refused", self.shapes_at({}), values)
        self.refused_by_host |= {name} if by_host else set()

    def tasks(self, count: int) -> None:
        """`count` calls with their own values and, where a dim allows, their own sizes: what threads run, each with its own golden."""
        for task in range(count):
            sizes = {d.name: _task_size(d, task, count) for d in self.dims}
            self._add(f"task_{task}", "task", "ok", self.shapes_at(sizes), None)

    def steps(self, count: int, values: typing.Callable[[int], dict[str, ValueRange]] = lambda step: {}) -> None:
        """The program changes its own buffers. `count` calls that follow each other on one loader; `values` as of c.call, per step.

        Every other call is one on a fresh loader.
        """
        self.stateful = True
        for step in range(count):
            for input, replaced in values(step).items():
                self._check_values(input, self.inputs[self._input_index(input, f"step {step}: values")].dtype, replaced)
            self._add(f"step_{step}", "step", "ok", self.shapes_at({}), values(step))

    def after(self, name: str, *, input: str, case: str, output: int = 0) -> None:
        """A call whose `input` is what the package of another case answers to its example call; of a twin on CUDA, the twin of that case."""
        feed = Feed(self._input_index(input, f"call {name}: input"), f"{case}_cuda" if self.twin_of else case, output)
        self._require(output >= 0, f"call {name}: output: {output} is below 0")
        self._add(name, "after", "ok", self.shapes_at({}), None, feed=feed)

    def beside(self, case: str) -> None:
        """The package holds the model of another case too, under that case's name; it is called with inputs of this one's shapes. It is one for
        the CPU, in the package of a twin on CUDA too."""
        self._add(case, "beside", "ok", self.shapes_at({}), None)

    def needs_torch(self, version: str, why: str) -> None:
        """Torch before `version` ("2.13") cannot export or compile the program: there it is not built, and its tests are unavailable."""
        self._require(_numbers(version) is not None, f"needs_torch: {version} is no version such as 2.13")
        self._require(bool(why), "needs_torch: say why")
        self.since = (version, why)

    def weight_sets(self, count: int) -> None:
        """Other weights that the package is given while it runs: a reference of the example for each mixture of two of `count` sets.

        Set 0 is what is compiled in. A mixture has the weights at even positions of one set and those at odd positions of another, in the
        order of named_parameters() and named_buffers(), floating ones alone. The compiler takes vectors of up to 8 elements for numbers of
        the program: weights that are to be replaced must be larger, or have another rank.
        """
        self._require(2 <= count <= 3, f"weight_sets: {count} is neither 2 nor 3")
        self.sets_of_weights = count
        values = tuple(spec.values for spec in self.inputs)
        for even in range(count):
            for odd in range(count):
                if (even, odd) != (0, 0):
                    shapes = tuple(self.shapes_at({}))
                    self.calls.append(Call(f"weights_{even}{odd}", "weights", "ok", shapes, values, None, None, (even, odd), "example"))

    def packaging(self) -> list[str]:
        """How the package holds its weights, where that is not in its library alone."""
        on_disk = self.options.get("aot_inductor.package_constants_on_disk_format")
        words = {
            "absent": not self.options.get("aot_inductor.package_constants_in_so", True) and on_disk is None,
            "folded": bool(self.options.get("aot_inductor.use_runtime_constant_folding")),
            "in_file": on_disk == "binary_blob",
            "mapped": bool(self.options.get("aot_inductor.force_mmap_weights")),
        }
        return [word for word, holds in words.items() if holds]

    def model(self, builder: typing.Callable[[], typing.Any]) -> typing.Callable[[], typing.Any]:
        """Decorator of the function that returns the torch.nn.Module. Import torch inside it."""
        self.builder = builder
        return builder

    def forward(self, function: typing.Callable[..., typing.Any]) -> typing.Callable[..., typing.Any]:
        """Decorator of what a model without weights does: `function` is given torch, then the inputs. A shorter c.model."""

        def build() -> torch.nn.Module:
            import torch

            class Function(torch.nn.Module):
                def forward(self, *inputs: typing.Any) -> typing.Any:
                    return function(torch, *inputs)

            # what export calls the inputs
            named = [
                inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD)
                for name in ("self", *list(inspect.signature(function).parameters)[1:])
            ]
            Function.forward.__signature__ = inspect.Signature(named)  # type: ignore[attr-defined]
            return Function()

        self.builder = build
        return function

    # --- what follows from it -----------------------------------------------------------------------------------------
    @property
    def origin(self) -> str:
        """The case whose formula and golden this one has: its own name, unless it is a twin."""
        return self.twin_of or self.name

    def cuda_devices(self) -> int:
        """How many CUDA devices it takes, where it takes any: AOTInductor computes on one, and inputs may lie on others."""
        return 1 + max((int(spec.device.partition(":")[2] or 0) for spec in self.inputs), default=0)

    def has_twin(self) -> bool:
        """Whether the case is compiled for CUDA too, under the name <name>_cuda: those of the default profile and those that
        say so, but for what is about the CPU's own library, its compiler or its operators."""
        about_cpu = (
            any(option.startswith("cpp.") or option == "freezing" for option in self.options) or "aot_inductor.package_cpp_only" in self.options
        )
        return (self.profile == "default" or self.on_cuda) and self.device == "cpu" and not about_cpu and not self.operators

    def unavailable_with(
        self,
        torch_version: str,
        cuda_device: str = "",
        cuda_headers: bool = True,
        cuda_devices: int = 1,
        fatbinary: bool = True,
        pretended: bool = True,
    ) -> str:
        """In words why it cannot be built with this torch, on a machine with this CUDA device (empty: none), so many of them, and with CUDA's
        headers, its program fatbinary and the project's pretended device or without; empty where it can.

        A development build counts as its release.
        """
        from . import tensorrt

        if self.device != "cpu" and not cuda_device and not self.compiled_for:
            return "needs a CUDA device: there is none on the machine that compiled the packages"
        if self.device != "cpu" and not self.compiled_for and cuda_devices < self.cuda_devices():
            return f"needs {self.cuda_devices()} CUDA devices: there is {cuda_devices} on the machine that compiled the packages"
        if self.tensorrt and not tensorrt.is_installed():
            return "needs Torch-TensorRT: torch_tensorrt is not installed where the packages were compiled"
        if self.compiled_for and not cuda_headers:
            return "needs the headers of the CUDA Toolkit (nv/target): they are not on the machine that compiled the packages"
        if self.compiled_for and not pretended:
            return "needs the pretended CUDA device, which is built where the headers of CUDA 13 are, cuBLAS's and CUPTI's among them"
        if self.options.get("aot_inductor.emit_multi_arch_kernel") and not fatbinary:
            return "needs fatbinary of the CUDA Toolkit (it comes with nvcc): it is not on the machine that compiled the packages"
        have, need = _numbers(torch_version), _numbers(self.since[0]) if self.since else None
        if self.since is None or have is None or need is None or have >= need:
            return ""
        return f"needs torch {self.since[0]} or later, this is {torch_version}: {self.since[1]}"

    def finish(self) -> None:
        """Adds the example call, its twin with other values and the lattice of every dynamic dim, and checks the whole."""
        self._require(bool(_NAME.match(self.name)), "name: it must be [a-z][a-z0-9_]*")
        self._require(bool(self.doc), "doc: the docstring is missing: say what the case is for")
        self._require(bool(self.source), "source: it is empty: name where the promise comes from")
        self._require(self.builder is not None, "model: there is no @c.model")
        self._require(bool(self.inputs), "inputs: there is none")
        self._require(self.contraction >= 1, f"contraction: {self.contraction} is below 1")
        self._require(not (self.stateful and self.sets_of_weights), "weight_sets: a program that changes its own buffers has no fixed weights")
        self._require(self.weight_bytes >= 0, f"weight_bytes: {self.weight_bytes} is below 0")
        self._require(self.device in DEVICES, f"device: unknown device {self.device}; known: {', '.join(DEVICES)}")
        self._require(self.profile in PROFILES, f"profile: unknown profile {self.profile}; known: {', '.join(PROFILES)}")
        names = [spec.name for spec in self.inputs]
        nested = list(_leaves(self.arguments(names)))
        self._require(nested == names, f"nest: the arguments hold {', '.join(map(str, nested))}, the inputs are {', '.join(names)}")
        self._add("example", "example", "ok", self.shapes_at({}), None)
        self._add("second", "second", "ok", self.shapes_at({}), None)  # the same sizes, other values: no result can be a stale one
        for dim in self.dims:
            inside = {"min": dim.min, "min_plus_1": dim.min + 1, "mid": (dim.min + dim.max) // 2, "max": dim.max}
            taken: set[int] = set()
            for cell, size in inside.items():
                if size <= dim.max and size not in taken:
                    self._add(f"{dim.name}_{cell}", cell, "ok", self.shapes_at({dim.name: size}), None)
                    taken.add(size)
            outside = [("below_min", "below_min", dim.min - 1), ("above_max", "above_max", dim.max + 1)]
            outside += [(str(size), "above_max", size) for size in dim.beyond]
            for name, cell, size in outside:
                if size >= 0:
                    self._add(f"{dim.name}_{name}", cell, "refused", self.shapes_at({dim.name: size}), None, self._first_use(dim, size))
        if self.device != "cpu":  # an index that a kernel refuses may end the CUDA context of its process: what becomes of it is recorded
            as_recorded = {"cell": "data_on_device", "expect": "recorded"}
            by_kernel = {call.name for call in self.calls if call.cell == "data"} - self.refused_by_host
            self.calls = [replace(call, **as_recorded) if call.name in by_kernel else call for call in self.calls]
        names = [call.name for call in self.calls]
        twice = sorted({name for name in names if names.count(name) > 1})
        self._require(not twice, f"call {', '.join(twice)}: two calls share this name")

    def _add(
        self,
        name: str,
        cell: str,
        expect: str,
        shapes: typing.Sequence[tuple[int, ...]],
        values: dict[str, ValueRange] | None,
        violates: Violation | None = None,
        feed: Feed | None = None,
    ) -> None:
        self._require(bool(_NAME.match(name)), f"call {name}: a name is [a-z][a-z0-9_]*")
        replaced = [(values or {}).get(i.name, i.values) for i in self.inputs]
        self.calls.append(Call(name, cell, expect, tuple(shapes), tuple(replaced), violates, feed))

    def shapes_at(self, sizes: dict[str, int]) -> list[tuple[int, ...]]:
        """The shapes of the inputs where these dims have these sizes, and the others those of the example."""

        def size_of(size: Size) -> int:
            if isinstance(size, Derived):
                return size.times * size_of(size.dim) + size.plus
            return sizes.get(size.name, size.example) if isinstance(size, Dim) else size

        return [tuple(size_of(d) for d in i.shape) for i in self.inputs]

    def _first_use(self, dim: Dim, size: int) -> Violation:
        uses = [(index, position, d) for index, spec in enumerate(self.inputs) for position, d in enumerate(spec.shape) if dim_of(d) == dim]
        for index, position, used in sorted(uses, key=lambda use: isinstance(use[2], Derived)):  # a derived one only where there is no other
            return Violation(index, position, used.times * size + used.plus if isinstance(used, Derived) else size)
        raise CaseError(f"{self.file}:{self.line}: case {self.name}: dim {dim.name}: no input uses it")

    def _check_values(self, name: str, dtype: str, values: ValueRange) -> None:
        self._require(0 <= values.high - values.low < 2**31, f"input {name}: values: [{values.low}, {values.high}] must hold 1 to 2^31 integers")
        if dtype in _LIMITS:
            low, high = _LIMITS[dtype]
            self._require(values.shift == 0, f"input {name}: values: those of an integer dtype cannot be shifted")
            self._require(low <= values.low and values.high <= high, f"input {name}: values: [{values.low}, {values.high}] do not fit {dtype}")

    def _input_index(self, name: str, where: str) -> int:
        for index, spec in enumerate(self.inputs):
            if spec.name == name:
                return index
        raise CaseError(f"{self.file}:{self.line}: case {self.name}: {where}: no input is called {name}")

    def _require(self, holds: bool, complaint: str) -> None:
        if not holds:
            raise CaseError(f"{self.file}:{self.line}: case {self.name}: {complaint}")


def _numbers(version: str) -> tuple[int, int, int] | None:
    """(2, 13, 0) of "2.13", "2.13.0+cu130" and "2.13.0.dev20260101"."""
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", version)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def _leaves(value: typing.Any) -> typing.Iterator[typing.Any]:
    """What lists, tuples and dicts hold, in order."""
    if isinstance(value, list | tuple | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)
    else:
        yield value


def _task_size(dim: Dim, task: int, count: int) -> int:
    """Spread over the range, without its lower end: sizes 0 and 1 are special to torch and have cells of their own."""
    low = min(dim.min + 1, dim.max)
    return low + (dim.max - low) * task // max(count - 1, 1)


_registered: list[Case] = []


def case(
    *,
    source: str,
    profile: str = "default",
    device: str = "cpu",
    on_cuda: bool = False,
    twin_of: str = "",
    compiled_for: typing.Sequence[int] = (),
) -> typing.Callable[[typing.Callable[[Case], None]], typing.Callable[[Case], None]]:
    """Registers the decorated function as a case of its own name, and its twin on CUDA where it has one.

    source: where the promise comes from (SPEC ids or seed sections). profile: who compiles and runs it, one of PROFILES. device: one of DEVICES.
    on_cuda: its twin on CUDA is of the default profile, though the case is not. twin_of: the case whose formula and golden this one has, for it
    computes the same in another way.
    compiled_for: compute capabilities, times ten, that a further twin is compiled for on any machine: <name>_sm_90. It needs no weights.
    """

    def register(function: typing.Callable[[Case], None]) -> typing.Callable[[Case], None]:
        code = function.__code__
        doc = inspect.getdoc(function) or ""
        described = Case(function.__name__, source, doc, Path(code.co_filename), code.co_firstlineno, device=device, profile=profile)
        described.on_cuda, described.twin_of = on_cuda, twin_of
        described.output_device = "cuda" if device == "cuda" else "cpu"
        function(described)
        described.finish()
        _register(described)
        twins = [_twin_of(described)] if described.has_twin() else []
        for twin in [*twins, *(_twin_of(described, capability) for capability in compiled_for)]:
            function(twin)
            twin.finish()
            _register(twin)
        return function

    return register


def _twin_of(described: Case, capability: int = 0) -> Case:
    """The case's twin on CUDA, or for CUDA devices of a capability, before the decorated function has described it."""
    where = f"For CUDA devices of compute capability {capability // 10}.{capability % 10}." if capability else "On CUDA."
    doc = f"{described.doc.partition(chr(10))[0]} {where}"
    name = f"{described.name}_sm_{capability}" if capability else f"{described.name}_cuda"
    profile = "default" if described.on_cuda and not capability else described.profile
    twin = Case(name, described.source, doc, described.file, described.line, profile=profile)
    twin.device, twin.output_device, twin.twin_of, twin.compiled_for = "cuda", "cuda", described.origin, capability
    return twin


def _register(described: Case) -> None:
    for known in _registered:
        if known.name == described.name:
            raise CaseError(f"{described.file}:{described.line}: case {described.name}: name: it exists already in {known.file}:{known.line}")
    _registered.append(described)


def case_called(name: str) -> Case:
    """One of the cases."""
    return next(case for case in all_cases() if case.name == name)


def all_cases() -> list[Case]:
    """Every case, in the order of files and of definition."""
    from . import cases

    cases.load()
    names = {described.name for described in _registered}
    for described in _registered:
        described._require(not described.repeats or described.repeats in names, f"repeats: there is no case {described.repeats}")
        origin = next((other for other in _registered if other.name == described.twin_of), None)
        described._require(not described.twin_of or origin is not None, f"twin_of: there is no case {described.twin_of}")
        if origin is not None:
            theirs, ours = ([(call.name, call.shapes, call.values) for call in case.calls] for case in (origin, described))
            same = theirs == ours and origin.dims == described.dims
            described._require(same, f"twin_of: its calls are not those of {origin.name}")
        for call in described.calls:
            if call.cell == "beside":
                other = next((other for other in _registered if other.name == call.name), None)
                described._require(other is not None, f"beside: case: there is no case {call.name}")
                described._require(
                    other is not None and [(i.dtype, i.shape) for i in other.inputs] == [(i.dtype, i.shape) for i in described.inputs],
                    f"beside: case: {call.name} takes other inputs than this case",
                )
            described._require(
                call.feed is None or any(other.name == call.feed.case for other in _registered),
                f"call {call.name}: case: there is no case {call.feed.case if call.feed else ''}",
            )
    return list(_registered)
