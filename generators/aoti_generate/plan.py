# SPDX-License-Identifier: Apache-2.0
"""The plan: every case, claim and hostile package as JSON, written without torch and before any package exists.

Its schema is generators/cases.schema.json.
"""

from __future__ import annotations

import json
import os
import threading
import typing
from pathlib import Path

from .case import Call, Case, CaseError, Derived, Dim, Input, Size, all_cases
from .claim import all_claims
from .claim import describe as describe_claim
from .formula import ValueRange
from .hostile import all_hostile
from .hostile import describe as describe_hostile

SCHEMA_VERSION = 1
GENERATORS = Path(__file__).resolve().parent.parent


def _values(values: ValueRange) -> dict[str, int]:
    return {"low": values.low, "high": values.high, "shift": values.shift}


def _size(size: Size) -> int | str | dict[str, typing.Any]:
    if isinstance(size, Derived):
        return {"dim": size.dim.name, "times": size.times, "plus": size.plus}
    return size.name if isinstance(size, Dim) else size


def _input(spec: Input) -> dict[str, typing.Any]:
    return {"name": spec.name, "dtype": spec.dtype, "shape": [_size(size) for size in spec.shape], "layout": spec.layout, "device": spec.device}


def _call(call: Call) -> dict[str, typing.Any]:
    entry: dict[str, typing.Any] = {
        "name": call.name,
        "cell": call.cell,
        "expect": call.expect,
        "shapes": [list(shape) for shape in call.shapes],
        "values": [_values(values) for values in call.values],
    }
    if call.violates:
        entry["violates"] = {"input": call.violates.input, "dim": call.violates.dim, "size": call.violates.size}
    if call.feed:
        entry["feed"] = {"input": call.feed.input, "case": call.feed.case, "output": call.feed.output}
    if call.weights != (0, 0):
        entry["weights"] = {"even": call.weights[0], "odd": call.weights[1]}
    if call.inputs_of:
        entry["inputs_of"] = call.inputs_of
    return entry


def describe(case: Case) -> dict[str, typing.Any]:
    """One case as the plan and the action key see it."""
    return {
        "name": case.name,
        "source": case.source,
        "doc": case.doc,
        "file": str(case.file.resolve().relative_to(GENERATORS)),
        "line": case.line,
        "device": case.device,
        "output_device": case.output_device,
        "twin_of": case.twin_of,
        "compiled_for": case.compiled_for,
        "tensorrt": case.tensorrt,
        "dims": [{"name": d.name, "min": d.min, "max": d.max} for d in case.dims],
        "inputs": [_input(spec) for spec in case.inputs],
        "contraction": case.contraction,
        "stateful": case.stateful,
        "representative": case.representative,
        "profile": case.profile,
        "operators": case.operators,
        "repeats": case.repeats,
        "options": {**case.options, **({"fake_example": True} if case.fake_example else {})},
        "weight_bytes": case.weight_bytes,
        "weight_sets": case.sets_of_weights,
        "weights": _values(case.weights),
        "packaging": case.packaging(),
        "calls": [_call(call) for call in case.calls],
    }


def write_plan(path: Path) -> None:
    """Writes the plan of all cases, claims and hostile packages."""
    cases, claims = all_cases(), all_claims()
    names = {case.name for case in cases} | {hostile.name for hostile in all_hostile()}
    for claim in claims:
        if claim.name in names:
            raise CaseError(f"{claim.file}:1: claim {claim.name}: name: a case or a hostile package has it already")
    plan = {
        "schema": SCHEMA_VERSION,
        "cases": [describe(case) for case in cases],
        "claims": [describe_claim(claim) for claim in claims],
        "hostile": [describe_hostile(hostile) for hostile in all_hostile()],
    }
    write_atomically(path, json.dumps(plan, indent=1) + "\n")


def write_atomically(path: Path, content: str | bytes) -> None:
    """Writes beside `path` and renames: a reader never sees half a file, parallel writers do not mix. An OSError names `path`."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(content.encode() if isinstance(content, str) else content)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
