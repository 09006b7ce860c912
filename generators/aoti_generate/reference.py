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
import typing
from dataclasses import dataclass, field
from pathlib import Path

import torch

from . import formula, plan
from .case import Call, Case, Feed, all_cases
from .compile import as_tensors, build_module, make_inputs

STORED_ELEMENTS = 4096
AGREEMENT = 1e-11  # two float64 libm's may differ in their last bits; relative to the largest element


class GoldenError(Exception):
    """A golden that is missing or not this program's: the text names the file and the fix."""


@dataclass
class Reference:
    """One output of one call: the eager result's structure and the float64 values."""

    eager: torch.Tensor
    exact: torch.Tensor
    shares_input: list[int] = field(default_factory=list)  # numbers of the inputs whose memory eager returns

    def eager_error(self) -> float:
        """Largest absolute error of eager in the case's own dtype, where both are finite: NaN and infinities are compared by themselves."""
        error = (self.eager.to(torch.float64) - self.exact).abs()
        finite = error[torch.isfinite(error)]
        return float(finite.max()) if finite.numel() else 0.0

    def eager_error_here(self) -> float | None:
        """The same, to be compared with a limit: None where eager and the reference differ in a NaN or an infinity, which no limit allows."""
        eager = self.eager.to(torch.float64)
        odd = ~(torch.isfinite(eager) & torch.isfinite(self.exact))
        return self.eager_error() if torch.allclose(eager[odd], self.exact[odd], rtol=0, atol=0, equal_nan=True) else None


class Bench:
    """Computes the references of a case's calls, in order: a step of a program with state goes on where the one before it ended."""

    def __init__(self, case: Case, module: torch.nn.Module) -> None:
        self._case, self._module = case, module
        self._stepping = _pair(module)

    def compute(self, call: Call) -> list[Reference]:
        """References of all outputs of one call. Raises what eager raises where the call means nothing to it."""
        inputs = make_inputs(self._case, call)
        eager_inputs, exact_inputs = list(inputs), [t.double() if t.is_floating_point() else t for t in inputs]
        if call.feed:
            fed = fed_by(call.feed)
            eager_inputs[call.feed.input], exact_inputs[call.feed.input] = fed.eager, fed.exact
            if fed.eager.shape != inputs[call.feed.input].shape:
                described = f"{tuple(fed.eager.shape)}, wanted is {tuple(inputs[call.feed.input].shape)}"
                raise GoldenError(f"{self._case.file}: case {self._case.name}: call {call.name}: {call.feed.case} gives {described}")
        eager_module, exact_module = self._stepping if call.cell == "step" else _pair(self._module)
        with torch.no_grad():
            eager = as_tensors(eager_module(*eager_inputs))
            exact = as_tensors(exact_module(*exact_inputs))
        owners = {t.untyped_storage().data_ptr(): number for number, t in enumerate(eager_inputs)}
        shared = [[owners[e.untyped_storage().data_ptr()]] if e.untyped_storage().data_ptr() in owners else [] for e in eager]
        return [Reference(e, x.double().contiguous(), s) for e, x, s in zip(eager, exact, shared, strict=True)]


def _pair(module: torch.nn.Module) -> tuple[torch.nn.Module, torch.nn.Module]:
    """The module as it is, and in float64."""
    return copy.deepcopy(module), copy.deepcopy(module).double()


def fed_by(feed: Feed) -> Reference:
    """What the program of another case gives to its example call."""
    other = next(case for case in all_cases() if case.name == feed.case)
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
    return bytes(tensor.contiguous().flatten().view(torch.uint8).untyped_storage()) if tensor.numel() else b""


def describe_golden(case: Case, module: torch.nn.Module) -> tuple[dict[str, typing.Any], dict[str, torch.Tensor]]:
    """What the two golden files of a case hold."""
    calls: dict[str, typing.Any] = {}
    tensors: dict[str, torch.Tensor] = {}
    bench = Bench(case, module)
    for call in case.calls:
        try:
            references = bench.compute(call)
        except (RuntimeError, IndexError, ValueError) as error:
            if call.expect == "ok":
                raise
            calls[call.name] = {"eager_refuses": (str(error).strip() or type(error).__name__).splitlines()[0]}
            continue
        outputs = []
        for index, reference in enumerate(references):
            name = f"{call.name}/{index}"
            kept = stored_indices(f"{case.name}/{name}", reference.exact.numel())
            values = reference.exact.flatten() if kept is None else reference.exact.flatten()[kept]
            tensors[name] = values.clone()
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
                }
            )
        calls[call.name] = {"outputs": outputs}
    return {"schema": 1, "case": case.name, "calls": calls}, tensors


def golden_paths(case: Case, golden: Path) -> tuple[Path, Path]:
    """The facts and the references of a case."""
    return golden / f"{case.name}.json", golden / f"{case.name}.safetensors"


def _unapproved(path: Path) -> Path:
    return path.with_name(path.name + ".unapproved")


def write_unapproved(case: Case, module: torch.nn.Module, golden: Path) -> list[str]:
    """Writes the two files with `.unapproved`; returns in words what would change, empty where nothing does."""
    from safetensors.torch import save

    described, tensors = describe_golden(case, module)
    facts, data = golden_paths(case, golden)
    try:
        known = json.loads(facts.read_text())["calls"]
        changes = [f"{name}: {_change(known.get(name), call)}" for name, call in described["calls"].items() if _differs(known.get(name), call)]
        changes += [f"{name}: gone" for name in known if name not in described["calls"]]
    except (OSError, ValueError, KeyError):
        changes = ["a new golden"]
    if changes or not data.exists():
        plan.write_atomically(_unapproved(facts), json.dumps(described, indent=1) + "\n")
        plan.write_atomically(_unapproved(data), save(tensors))
    else:  # what an earlier bless left here describes a program that is no more
        _unapproved(facts).unlink(missing_ok=True)
        _unapproved(data).unlink(missing_ok=True)
    return changes


def _differs(known: dict[str, typing.Any] | None, call: dict[str, typing.Any]) -> bool:
    def hashes(entry: dict[str, typing.Any]) -> list[typing.Any]:
        return [{k: v for k, v in output.items() if k != "eager_error"} for output in entry.get("outputs", [])]

    return known is None or hashes(known) != hashes(call) or ("outputs" in known) != ("outputs" in call)


def _change(known: dict[str, typing.Any] | None, call: dict[str, typing.Any]) -> str:
    if known is None:
        return "new"
    return f"{known.get('outputs', known)} -> {call.get('outputs', call)}"


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
