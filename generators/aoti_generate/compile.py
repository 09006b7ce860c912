# SPDX-License-Identifier: Apache-2.0
"""From a case to a package and its facts: build the module, export it, compare its reference to the golden, compile it. Imports torch."""

from __future__ import annotations

import copy
import io
import json
import os
import re
import shutil
import time
import typing
import zipfile
from pathlib import Path

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from . import formula, placement, plan, sources, tensorrt
from .case import Call, Case, CaseError, Derived, Dim, Input, Size, case_called, strides_of
from .formula import ValueRange
from .store import Store, sha256

_KERNELS = (".cubin", ".fatbin")  # files with kernels for one architecture, and for several
# What export writes beside the program itself: sources of the tracer, ids, the caller's example tensors.
_VARIANCES = ValueRange(1, 64, 5)  # of batch norm: what is below zero has no root
_NOT_PROGRAM = ("/.data/", "sample_inputs", "serialization_id", "byteorder", "archive_format", "archive_version")


def dtype_of(name: str) -> torch.dtype:
    """From PyTorch's name of a dtype, without `torch.`."""
    return typing.cast(torch.dtype, getattr(torch, name))


def load_operators() -> None:
    """Loads the project's library of custom operators, once per process; AOTI_CTS_OPERATORS names it."""
    library = os.environ.get("AOTI_CTS_OPERATORS", "")
    if not Path(library).is_file():
        raise FileNotFoundError(f"the library of custom operators is not there (AOTI_CTS_OPERATORS={library}): run ./aoti-cts setup")
    torch.ops.load_library(library)


def build_module(case: Case) -> torch.nn.Module:
    """The case's module in eval mode, with every parameter and every buffer that holds no integers filled by formula.

    It lies on the CPU, as references are computed; inside placement.on_devices() on the devices that the case names.
    """
    assert case.builder is not None
    if case.operators:
        load_operators()
    module = with_weights(typing.cast(torch.nn.Module, case.builder()).eval(), case, (0, 0))
    if case.compiled_for:
        if any(True for _ in _constants(module)):
            raise CaseError(f"{case.file}:{case.line}: case {case.name}: compiled_for: its weights would have to lie on a device that is not there")
        return module
    return module.to(placement.cuda()) if case.device == "cuda" else module


def with_weights(module: torch.nn.Module, case: Case, sets: tuple[int, int]) -> torch.nn.Module:
    """The module itself, its weights at even positions filled from the first set and those at odd positions from the second."""
    position = 0
    with torch.no_grad():
        for kind, name, value in _constants(module):
            if value.is_floating_point() or value.is_complex():
                number = sets[position % 2]
                of_set = f"@{number}" if number else ""
                values = _VARIANCES if name.endswith("running_var") else case.weights
                value.copy_(formula.tensor(f"{case.origin}{of_set}/{kind}/{name}", value.shape, value.dtype, values))
                position += 1
    return module


def _constants(module: torch.nn.Module) -> typing.Iterator[tuple[str, str, torch.Tensor]]:
    """Kind, name and value of parameters, then buffers; one that has several names comes once."""
    yield from (("param", name, value) for name, value in module.named_parameters())
    yield from (("buffer", name, value) for name, value in module.named_buffers())


def constant_facts(module: torch.nn.Module) -> list[dict[str, typing.Any]]:
    """Names, dtype, shape and device of each parameter and buffer, and whether its values come from the formula."""
    every = [*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)]
    return [
        {
            "names": [name, *(other for other, twin in every if twin is value and other != name)],
            "kind": kind,
            "dtype": str(value.dtype).removeprefix("torch."),
            "shape": list(value.shape),
            "device": value.device.type,
            "by_formula": value.is_floating_point(),
        }
        for kind, name, value in _constants(module)
    ]


def make_inputs(case: Case, call: Call) -> tuple[torch.Tensor, ...]:
    """The inputs of one call, by formula."""
    return tuple(
        _laid_out(spec, formula.tensor(f"{case.origin}/{call.inputs_of or call.name}/{spec.name}", shape, dtype_of(spec.dtype), values))
        for spec, shape, values in zip(case.inputs, call.shapes, call.values, strict=True)
    )


def _laid_out(spec: Input, tensor: torch.Tensor) -> torch.Tensor:
    return torch.empty_strided(tensor.shape, strides_of(spec.layout, tensor.shape), dtype=tensor.dtype).copy_(tensor)


def as_tensors(result: typing.Any) -> list[torch.Tensor | None]:
    """The leaves of a model's result, in the order of the package's outputs."""
    return torch.utils._pytree.tree_leaves(result)


def export(case: Case, module: torch.nn.Module) -> torch.export.ExportedProgram:
    """torch.export with the case's Dims; a Dim used twice is the same torch Dim, hence an equality."""
    dims = {d.name: torch.export.Dim(d.name, min=d.min, max=d.max) for d in case.dims}

    def torch_dim(size: Size) -> typing.Any:
        if isinstance(size, Derived):
            return size.times * dims[size.dim.name] + size.plus if size.plus else size.times * dims[size.dim.name]
        return dims[typing.cast(Dim, size).name]

    shapes = [{i: torch_dim(size) for i, size in enumerate(spec.shape) if not isinstance(size, int)} for spec in case.inputs]
    inputs = make_inputs(case, next(call for call in case.calls if call.cell == "example"))
    devices = [placement.place_of(spec.device) for spec in case.inputs]
    if case.fake_example or case.compiled_for:
        with FakeTensorMode():
            inputs = tuple(torch.empty_strided(t.shape, t.stride(), dtype=t.dtype, device=d) for t, d in zip(inputs, devices, strict=True))
    else:
        inputs = tuple(t.to(d) for t, d in zip(inputs, devices, strict=True))
    return torch.export.export(module, case.arguments(inputs), dynamic_shapes=case.arguments(shapes))


def input_facts(program: torch.export.ExportedProgram) -> list[list[typing.Any]]:
    """Per input and dim: the static size, or {min, max} as the exported program constrains it."""
    users = set(program.graph_signature.user_inputs)
    facts = []
    for node in program.graph.nodes:
        if node.op != "placeholder" or node.name not in users:
            continue
        dims: list[typing.Any] = []
        for size in node.meta["val"].shape:
            bounds = None if isinstance(size, int) else program.range_constraints.get(size.node.expr)
            dims.append(size if isinstance(size, int) else {"min": int(bounds.lower), "max": int(bounds.upper)} if bounds else {})
        facts.append(dims)
    return facts


def operators(program: torch.export.ExportedProgram) -> list[str]:
    """Every operator overload of the graph and of the graphs that its control flow calls, sorted: what tells two programs apart."""
    graphs = [module for module in program.graph_module.modules() if isinstance(module, torch.fx.GraphModule)]
    called = {node.target for module in graphs for node in module.graph.nodes if node.op == "call_function"}
    return sorted(str(target) if isinstance(target, torch._ops.OperatorBase) else target.__name__ for target in called)


def kernels(package: Path) -> dict[str, list[str]]:
    """Files with kernels of a GPU that the package holds, and those that its library names, without their folders: a machine that has only the
    package finds no others."""
    with zipfile.ZipFile(package) as archive:
        held = {Path(name).name for name in archive.namelist() if name.endswith(_KERNELS)}
        libraries = [archive.read(name) for name in archive.namelist() if name.endswith(".so")]
    named = {Path(found.decode()).name for library in libraries for found in re.findall(rb"[\w./-]+\.(?:cubin|fatbin)", library)}
    return {"held": sorted(held), "named": sorted(named)}


def copies(program: torch.export.ExportedProgram) -> dict[str, int]:
    """How often the graph copies a tensor to a device of another kind. From one CUDA device to another is none of it: what a trace shows of such a
    copy depends on whether the two reach each other's memory."""
    counts = {"to_cuda": 0, "to_cpu": 0}
    for node in program.graph.nodes:
        made = node.meta.get("val")
        taken = [given.meta["val"].device.type for given in node.all_input_nodes if isinstance(given.meta.get("val"), torch.Tensor)]
        if node.op == "call_function" and isinstance(made, torch.Tensor) and taken and all(kind != made.device.type for kind in taken):
            counts[f"to_{made.device.type}"] += 1
    return counts


def saved(program: torch.export.ExportedProgram) -> bytes:
    """The file that torch.export.load reads."""
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    return buffer.getvalue()


def canonical_hash(program: torch.export.ExportedProgram) -> str:
    """Hash of what the program computes: no stack traces, no ids, no example tensors."""
    parts: list[str | bytes] = []
    with zipfile.ZipFile(io.BytesIO(saved(program))) as archive:
        for name in sorted(archive.namelist()):
            if any(word in name for word in _NOT_PROGRAM):
                continue
            data = archive.read(name)
            if name.endswith(".json"):
                data = json.dumps(_without_metadata(json.loads(data)), sort_keys=True).encode()
            parts += [name.split("/", 1)[-1], data]
    return sha256(*parts)


def _without_metadata(value: typing.Any) -> typing.Any:
    if isinstance(value, dict):
        return {key: _without_metadata(item) for key, item in value.items() if key != "metadata"}
    if isinstance(value, list):
        return [_without_metadata(item) for item in value]
    return value


Programs = dict[str, torch.export.ExportedProgram]


def exported_beside(case: Case) -> Programs:
    """The programs of other cases that go into this one's package, by the names of their models."""
    others = [case_called(call.name) for call in case.calls if call.cell == "beside"]
    return {other.name: export(other, build_module(other)) for other in others}


def write_package(program: torch.export.ExportedProgram, others: Programs, path: Path, options: dict[str, typing.Any]) -> None:
    """Compiles and packages as PyTorch documents it for one model, and for several."""
    if not others:
        torch._inductor.aoti_compile_and_package(copy.copy(program), package_path=str(path), inductor_configs=options or None)
        if options.get(sources.OPTION):
            sources.build(path, Path(torch.__file__).parent)
        return
    from torch._inductor.package import package_aoti

    files = {}
    for name, each in {"model": program, **others}.items():
        args, kwargs = each.example_inputs
        files[name] = torch._inductor.aot_compile(each.module(), args, kwargs, options={**options, "aot_inductor.package": True})
        torch._dynamo.reset()
    package_aoti(str(path), files)


def compile_case(case: Case, store: Store, golden: Path, work: Path) -> dict[str, typing.Any]:
    """Exports and, unless the store has the same program, compiles; the program is kept beside the package. Returns the package's facts.

    Raises whatever export or the compiler raise, and reference.GoldenError where the blessed golden is not this program's.
    """
    from . import reference

    started = time.monotonic()
    module = build_module(case)
    eager_error = reference.check_golden(case, module, golden)
    with placement.on_devices():
        if case.device != "cpu":
            module = build_module(case)
        program, others = export(case, module), exported_beside(case)
    hashes = [canonical_hash(program), *(canonical_hash(other) for other in others.values())]
    builder = [Path(sources.__file__).read_bytes()] if case.options.get(sources.OPTION) else []
    if any(name.startswith("aoti_cts_triton.") for name in operators(program)):  # the program names them, and does not hold them
        builder.append(Path(__file__).with_name("triton_kernels.py").read_bytes())
    content = sha256(
        *hashes,
        store.toolchain.key_of(case),
        *([str(case.compiled_for)] if case.compiled_for else []),
        *(["tensorrt"] if case.tensorrt else []),
        json.dumps(case.options, sort_keys=True, default=str),
        *builder,
    )
    if not store.has_program(content):
        plan.write_atomically(store.program_path(content), saved(program))
    path = store.content_path(content)
    compiled = not path.exists()
    if compiled:
        path.parent.mkdir(parents=True, exist_ok=True)
        work.mkdir(parents=True, exist_ok=True)
        temporary = work / f"{case.name}.{os.getpid()}.pt2"
        try:
            if case.compiled_for:
                from . import cross

                cross.write_package(case, temporary)
            elif case.tensorrt:
                tensorrt.write_package(case, program, temporary)
            else:
                write_package(program, others, temporary, case.options)
            shutil.move(temporary, path.with_suffix(f".{os.getpid()}.tmp"))
            path.with_suffix(f".{os.getpid()}.tmp").replace(path)
        finally:
            temporary.unlink(missing_ok=True)
            path.with_suffix(f".{os.getpid()}.tmp").unlink(missing_ok=True)
    torch._dynamo.reset()
    facts: dict[str, typing.Any] = {"kernels": kernels(path)} if case.device != "cpu" else {}
    return facts | {
        "case": case.name,
        "content": content,
        "sha256": sha256_of_file(path),
        "bytes": path.stat().st_size,
        "compiled": compiled,
        "seconds": round(time.monotonic() - started, 3),
        "exported_inputs": input_facts(program),
        "copies": copies(program),
        "operators": operators(program),
        "eager_error": eager_error,
        "constants": constant_facts(module),
        **store.toolchain.facts(),
    }


def sha256_of_file(path: Path) -> str:
    """In hexadecimal."""
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()
