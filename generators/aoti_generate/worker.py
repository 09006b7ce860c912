# SPDX-License-Identifier: Apache-2.0
"""A long-lived worker process: reads one JSON request per line, answers one JSON line. Imports torch once, is killed freely.

Requests: {"do": "compile" | "bless" | "try", "name": case or claim}. Answers: {"ok": facts} or {"failed": text}. A worker that is asked to
try claims is asked for nothing else: it forks, and what has run a tensor operation must not.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import sys
import tempfile
import traceback
import typing
from pathlib import Path


def serve(torch_root: Path, store_root: Path, golden: Path) -> int:
    """Answers requests on standard input until it ends. What torch prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    first = sys.stdin.readline()
    if not first:
        return 0
    requests = itertools.chain([first], sys.stdin)
    if json.loads(first)["do"] == "try":
        _try_claims(requests, answers, torch_root, store_root)
    else:
        _work_on_cases(requests, answers, torch_root, store_root, golden)
    return 0


def _try_claims(requests: typing.Iterable[str], answers: typing.TextIO, torch_root: Path, store_root: Path) -> None:
    from . import attempt, claim, store
    from .answers import Answers

    attempt.import_torch()
    claims = {known.name: known for known in claim.all_claims()}
    kept = Answers(store_root, store.find_toolchain(torch_root))
    for line in requests:
        tried = claims[json.loads(line)["name"]]
        answer = attempt.attempt(tried)
        if "ok" in answer:
            kept.add(tried, answer["ok"])
        answers.write(json.dumps(answer) + "\n")


def _work_on_cases(requests: typing.Iterable[str], answers: typing.TextIO, torch_root: Path, store_root: Path, golden: Path) -> None:
    from . import compile, reference, store
    from .case import all_cases

    cases = {case.name: case for case in all_cases()}
    packages = store.Store(store_root, store.find_toolchain(torch_root))
    from_the_other_end = os.environ.get("AOTI_CTS_WORKER") == "1"
    for line in requests:
        request = json.loads(line)
        case = cases[request["name"]]
        answer: dict[str, typing.Any]
        try:
            if request["do"] == "bless":
                answer = {"ok": reference.write_unapproved(case, compile.build_module(case), golden)}
            else:
                if from_the_other_end:
                    _prepare_from_the_other_end()
                    from_the_other_end = False
                facts = compile.compile_case(case, packages, golden, Path(tempfile.gettempdir()))
                packages.add(packages.action_key(case), facts)
                answer = {"ok": facts}
        except reference.GoldenError as error:
            answer = {"failed": str(error)}
        except Exception as error:  # noqa: BLE001 - whatever torch raises is the answer
            answer = {"failed": _words(error)}
        answers.write(json.dumps(answer) + "\n")


def _prepare_from_the_other_end() -> None:
    """Lets the second worker of a driver do half of what every first package waits for.

    Inductor probes the vector ISAs and then precompiles two headers, one after the other and each under a file lock, so that all workers
    would wait for one. This one does the same in the opposite order. Only an order is changed: where another release of torch has no such
    functions, only the time is lost.
    """
    from torch._inductor import codecache, cpu_vec_isa

    with contextlib.suppress(Exception):
        features = cpu_vec_isa.x86_isa_checker()
        for isa in reversed(cpu_vec_isa.supported_vec_isa_list):
            if all(flag in features for flag in str(isa).split()):
                bool(isa)
    in_order = getattr(codecache, "_precompile_header", None)
    if in_order is None:
        return

    def kernels_first(header: str, command: str, **options: typing.Any) -> str:
        if "min_optimize" in options:  # the wrapper's header: next is the kernels' one, with the same options but this
            with contextlib.suppress(Exception):
                others = {name: value for name, value in options.items() if name != "min_optimize"}
                in_order(codecache._get_cpp_prefix_header(options["device_type"]), command, **others)
        return typing.cast(str, in_order(header, command, **options))

    codecache._precompile_header = kernels_first


def _words(error: Exception) -> str:
    """The error as a person needs it: class, text (a compiler's output is in it) and where it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1] if frames else None
    place = f"\nraised at {last.filename}:{last.lineno} in {last.name}" if last else ""
    return f"{type(error).__name__}: {error}"[:20000] + place
