# SPDX-License-Identifier: Apache-2.0
"""Goldens: float64 references of every call, computed in eager PyTorch on the inputs cast to the case's dtype first.

golden/<case>.json          what is promised of each output (dtype, shape, strides), the hash of its reference, eager's own error
golden/<case>.safetensors   the references, float64; outputs above 4,096 elements keep a formula-chosen sample and both ends

Blessing takes two steps: `bless` writes `<name>.unapproved` beside the goldens, a person reads the difference, `bless --approve` renames.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
import typing
from dataclasses import dataclass, field
from pathlib import Path

import torch

from . import formula, plan
from .case import Call, Case, Feed, case_called
from .compile import as_tensors, build_module, make_inputs, with_weights

STORED_ELEMENTS = 4096
AGREEMENT = 1e-11  # two float64 libm's may differ in their last bits; relative to the largest element


class GoldenError(Exception):
    """A golden that is missing or not this program's: the text names the file and the fix."""


@dataclass
class Reference:
    """One output of one call: the eager result's structure and the float64 values."""

    eager: torch.Tensor | None  # None where the program returns None
    exact: torch.Tensor  # float64; of a complex output its parts, in a last dimension of 2
    shares_input: list[int] = field(default_factory=list)  # numbers of the inputs whose memory eager returns
    shares_output: list[int] = field(default_factory=list)  # numbers of the earlier outputs whose memory eager returns again

    def eager_error(self) -> float:
        """Largest absolute error of eager in the case's own dtype, where both are finite: NaN and infinities are compared by themselves."""
        error = (_parts(self.eager) - self.exact).abs()
        finite = error[torch.isfinite(error)]
        return float(finite.max()) if finite.numel() else 0.0

    def eager_error_here(self) -> float | None:
        """The same, to be compared with a limit: None where eager and the reference differ in a NaN or an infinity, which no limit allows."""
        eager = _parts(self.eager)
        odd = ~(torch.isfinite(eager) & torch.isfinite(self.exact))
        return self.eager_error() if torch.allclose(eager[odd], self.exact[odd], rtol=0, atol=0, equal_nan=True) else None


def _parts(tensor: torch.Tensor | None) -> torch.Tensor:
    """The values as float64, row-major, a complex one as its two parts; of None nothing."""
    if tensor is None:
        return torch.empty(0, dtype=torch.float64)
    tensor = tensor.detach()
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor.resolve_conj())
    return tensor.double().contiguous()


def _widened(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.double() if tensor.is_floating_point() else tensor.to(torch.complex128) if tensor.is_complex() else tensor


def _owners(tensors: typing.Sequence[torch.Tensor | None]) -> dict[int, list[int]]:
    """Numbers of the tensors in each piece of memory."""
    owners: dict[int, list[int]] = {}
    for number, tensor in enumerate(tensors):
        if tensor is not None and tensor.numel():
            owners.setdefault(tensor.untyped_storage().data_ptr(), []).append(number)
    return owners


class Bench:
    """Computes the references of a case's calls, in order: a step of a program with state goes on where the one before it ended."""

    def __init__(self, case: Case, module: torch.nn.Module) -> None:
        self._case, self._module = case, module
        self._stepping = _pair(module)

    def compute(self, call: Call) -> list[Reference]:
        """References of all outputs of one call. Raises what eager raises where the call means nothing to it."""
        inputs = make_inputs(self._case, call)
        eager_inputs, exact_inputs = list(inputs), [_widened(t) for t in inputs]
        if call.feed:
            fed = fed_by(call.feed)
            assert fed.eager is not None
            eager_inputs[call.feed.input], exact_inputs[call.feed.input] = fed.eager, fed.exact
            if fed.eager.shape != inputs[call.feed.input].shape:
                described = f"{tuple(fed.eager.shape)}, wanted is {tuple(inputs[call.feed.input].shape)}"
                raise GoldenError(f"{self._case.file}: case {self._case.name}: call {call.name}: {call.feed.case} gives {described}")
        module = build_module(case_called(call.name)) if call.cell == "beside" else self._weighted(call)
        eager_module, exact_module = self._stepping if call.cell == "step" else _pair(module)
        with torch.no_grad():
            eager = as_tensors(eager_module(*self._case.arguments(eager_inputs)))
            exact = as_tensors(exact_module(*self._case.arguments(exact_inputs)))
        of_inputs, of_outputs = _owners(eager_inputs), _owners(eager)
        references = []
        for number, (e, x) in enumerate(zip(eager, exact, strict=True)):
            memory = e.untyped_storage().data_ptr() if e is not None and e.numel() else 0
            earlier = [other for other in of_outputs.get(memory, []) if other < number]
            references.append(Reference(e, _parts(x), of_inputs.get(memory, []), earlier))
        return references

    def _weighted(self, call: Call) -> torch.nn.Module:
        return self._module if call.weights == (0, 0) else with_weights(copy.deepcopy(self._module), self._case, call.weights)


def _pair(module: torch.nn.Module) -> tuple[torch.nn.Module, torch.nn.Module]:
    """The module as it is, and in float64."""
    return copy.deepcopy(module), copy.deepcopy(module).double()


def fed_by(feed: Feed) -> Reference:
    """What the program of another case gives to its example call."""
    other = case_called(feed.case)
    example = next(call for call in other.calls if call.cell == "example")
    return Bench(other, build_module(other)).compute(example)[feed.output]


def stored_indices(name: str, count: int) -> torch.Tensor | None:
    """Flat positions kept of an output of `count` elements; None for all. Both ends are always kept."""
    if count <= STORED_ELEMENTS:
        return None
    edge = STORED_ELEMENTS // 16
    middle = formula.tensor(name, (STORED_ELEMENTS,), torch.int64, formula.ValueRange(0, min(count, 2**31) - 1, 0))
    ends = torch.cat([torch.arange(edge), torch.arange(count - edge, count)])
    return torch.unique(torch.cat([middle, ends]))


def _bytes(tensor: torch.Tensor) -> bytes:
    alone = tensor.flatten().clone(memory_format=torch.contiguous_format)  # what is a view has the storage of the whole
    return bytes(alone.view(torch.uint8).untyped_storage()) if tensor.numel() else b""


def _as_text(described: dict[str, typing.Any]) -> str:
    """JSON with each list of numbers in one line: a golden is read by people, and there are hundreds."""
    return re.sub(r"\[\s+((?:-?\d+,\s+)*-?\d+)\s+\]", lambda found: "[" + re.sub(r"\s+", " ", found[1]) + "]", json.dumps(described, indent=1)) + "\n"


def describe_golden(case: Case, module: torch.nn.Module) -> tuple[dict[str, typing.Any], dict[str, torch.Tensor]]:
    """What the two golden files of a case hold."""
    calls: dict[str, typing.Any] = {}
    tensors: dict[str, torch.Tensor] = {}
    bench = Bench(case, module)
    for call in case.calls:
        try:
            references = bench.compute(call)
        except (RuntimeError, IndexError, ValueError, ArithmeticError) as error:
            if call.expect == "ok":
                raise
            calls[call.name] = {"eager_refuses": (str(error).strip() or type(error).__name__).splitlines()[0]}
            continue
        if call.cell == "data":
            raise GoldenError(f"{case.file}:{case.line}: case {case.name}: call {call.name}: eager PyTorch answers it: it is no data error")
        outputs = []
        for index, reference in enumerate(references):
            name = f"{call.name}/{index}"
            if reference.eager is None:
                outputs.append({"none": True})
                continue
            kept = stored_indices(f"{case.origin}/{name}", reference.exact.numel())
            values = reference.exact.flatten() if kept is None else reference.exact.flatten()[kept]
            tensors[name] = values.clone(memory_format=torch.contiguous_format)
            if kept is not None:
                tensors[name + "/at"] = kept
            outputs.append(
                {
                    "dtype": str(reference.eager.dtype).removeprefix("torch."),
                    "shape": list(reference.eager.shape),
                    "strides": list(reference.eager.stride()),
                    "sampled": kept is not None,
                    "sha256": hashlib.sha256(_bytes(values) + (_bytes(kept) if kept is not None else b"")).hexdigest(),
                    "eager_error": reference.eager_error(),
                    **({"shares_input": reference.shares_input} if reference.shares_input else {}),
                    **({"shares_output": reference.shares_output} if reference.shares_output else {}),
                }
            )
        calls[call.name] = {"outputs": outputs}
    return {"schema": 1, "case": case.origin, "calls": calls}, tensors


def golden_paths(case: Case, golden: Path) -> tuple[Path, Path]:
    """The facts and the references of a case."""
    return golden / f"{case.origin}.json", golden / f"{case.origin}.safetensors"


def _unapproved(path: Path) -> Path:
    return path.with_name(path.name + ".unapproved")


def write_unapproved(case: Case, module: torch.nn.Module, golden: Path) -> list[str]:
    """Writes the two files with `.unapproved`; returns in words what would change, empty where nothing does."""
    from safetensors.torch import save

    described, tensors = describe_golden(case, module)
    facts, data = golden_paths(case, golden)
    try:
        known = json.loads(facts.read_text())["calls"]
        new = False
    except (OSError, ValueError, KeyError):
        known, new = {}, True
    stored = _stored(data)
    changes = ["a new golden"] if new else []
    for name, call in described["calls"].items():
        changes += _changes(name, known.get(name), call, stored, tensors)
    changes += [f"{name}: gone" for name in known if name not in described["calls"]]
    if changes or not data.exists():
        plan.write_atomically(_unapproved(facts), _as_text(described))
        plan.write_atomically(_unapproved(data), save(tensors))
    else:  # what an earlier bless left here describes a program that is no more
        _unapproved(facts).unlink(missing_ok=True)
        _unapproved(data).unlink(missing_ok=True)
    return changes


Tensors = dict[str, torch.Tensor]


def _stored(data: Path) -> Tensors:
    """The blessed references; none where they cannot be read."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(str(data))
    except (OSError, SafetensorError):
        return {}


def _changes(name: str, known: dict[str, typing.Any] | None, call: dict[str, typing.Any], stored: Tensors, tensors: Tensors) -> list[str]:
    """What differs of one call, per output: what was blessed and what was computed now."""
    if "eager_refuses" in call or (known is not None and "eager_refuses" in known):
        was, now = [_refusal(entry) for entry in (known, call)]
        both_refuse = known is not None and "outputs" not in known and "outputs" not in call  # in whatever words
        return [] if both_refuse else [_change(name, was, now)]
    before: list[dict[str, typing.Any]] = known["outputs"] if known is not None else []
    after: list[dict[str, typing.Any]] = call["outputs"]
    changes = []
    for index in range(max(len(before), len(after))):
        old, new = [outputs[index] if index < len(outputs) else None for outputs in (before, after)]
        if _without_error(old) == _without_error(new):
            continue
        tensor = f"{name}/{index}"
        was, now = _summary(old, stored.get(tensor)), _summary(new, tensors.get(tensor))
        changes.append(_change(f"{name}: output {index}", was, now, _largest_difference(stored.get(tensor), tensors.get(tensor))))
    return changes


def _without_error(output: dict[str, typing.Any] | None) -> dict[str, typing.Any] | None:
    """Eager's own error is that of the machine that blessed: it makes no difference."""
    return None if output is None else {key: value for key, value in output.items() if key != "eager_error"}


def _refusal(entry: dict[str, typing.Any] | None) -> str:
    if entry is None:
        return "nothing"
    return f"eager refuses: {entry['eager_refuses']}" if "eager_refuses" in entry else f"{len(entry['outputs'])} outputs"


def _change(what: str, was: str, now: str, more: str = "") -> str:
    return f"{what}\n    was {was}\n    now {now}{more}"


def _summary(output: dict[str, typing.Any] | None, values: torch.Tensor | None) -> str:
    """An output as a person can judge it."""
    if output is None:
        return "nothing"
    if "none" in output:
        return "None"
    text = f"{output['dtype']} {output['shape']}, strides {output['strides']}"
    if "shares_input" in output:
        text += f", in the memory of input {', '.join(map(str, output['shares_input']))}"
    if "shares_output" in output:
        text += f", in the memory of output {', '.join(map(str, output['shares_output']))}"
    if values is None or not values.numel():
        return text + (": values not readable" if values is None else ": no element")
    finite = values[torch.isfinite(values)]
    text += f": min {float(finite.min()):.6g}, max {float(finite.max()):.6g}" if finite.numel() else ":"
    if finite.numel() < values.numel():
        text += f", {values.numel() - finite.numel()} NaN or infinite"
    return text + ", first " + " ".join(f"{value:.6g}" for value in values[:4].tolist()) + (", a sample" if output["sampled"] else "")


def _largest_difference(old: torch.Tensor | None, new: torch.Tensor | None) -> str:
    if old is None or new is None or old.shape != new.shape or not old.numel():
        return ""
    difference = (new - old).abs()
    return f"\n    largest difference {float(difference.max()):.3g}" if bool(torch.isfinite(difference).all()) else ""


def check_golden(case: Case, module: torch.nn.Module, golden: Path) -> dict[str, list[float | None]]:
    """The full reference, computed again, must agree with what is blessed: else the model, a formula or eager has changed.

    Returns the error of this torch's eager per call and output: what tells a compiler that is wrong from an eager PyTorch that has moved.
    """
    from safetensors.torch import load_file

    facts, data = golden_paths(case, golden)
    if not facts.exists() or not data.exists():
        raise GoldenError(f"{facts}: case {case.name} has no golden: run ./aoti-cts bless {case.name}, read it, then bless --approve")
    blessed = json.loads(facts.read_text())["calls"]
    stored = load_file(str(data))
    bench = Bench(case, module)
    eager_error: dict[str, list[float | None]] = {}
    for call in case.calls:
        if call.name not in blessed:
            raise GoldenError(f"{facts}: call {call.name} of case {case.name} has no golden: run ./aoti-cts bless {case.name}")
        if "outputs" not in blessed[call.name]:
            continue
        references = bench.compute(call)
        eager_error[call.name] = [reference.eager_error_here() for reference in references]
        for index, reference in enumerate(references):
            if reference.eager is None:
                continue
            name = f"{call.name}/{index}"
            values = reference.exact.flatten()
            if name + "/at" in stored:
                values = values[stored[name + "/at"]]
            expected = stored[name]
            if values.shape != expected.shape or not torch.allclose(values, expected, rtol=AGREEMENT, atol=_scale(expected), equal_nan=True):
                raise GoldenError(
                    f"{data}: {name} is not the reference of case {case.name} any more (model, formula or eager PyTorch changed): "
                    f"run ./aoti-cts bless {case.name} and read the difference before approving it"
                )
    return eager_error


def _scale(expected: torch.Tensor) -> float:
    finite = expected[torch.isfinite(expected)]
    return AGREEMENT * float(finite.abs().max()) if finite.numel() else 0.0
