# SPDX-License-Identifier: Apache-2.0
"""Runs the script of a claim in a forked child of a process that has imported torch: importing takes longer than most claims.

The parent runs no tensor operation and starts no thread of torch's, so that its children can do both. A child is what a fresh interpreter
would be: the script is `__main__`, its folder leads `sys.path`, and TMPDIR, which is also the working folder, is its own. So is Inductor's
cache: two scripts that compile the same program at the same time would read each other's half-written files there.
"""

from __future__ import annotations

import contextlib
import os
import re
import runpy
import shutil
import signal
import sys
import tempfile
import time
import traceback
import typing
from pathlib import Path

from .claim import Claim

DEADLINE = 300.0
_ANSWER = re.compile(r"^(true|false): (.+)$", re.MULTILINE)
_KEPT_OUTPUT = 4000  # characters of a stream that go into a failure


def import_torch() -> None:
    """All that children would import for themselves, and the probe of the vector ISA, which compiles."""
    import torch
    import torch._dynamo
    import torch._inductor
    import torch._inductor.codecache
    import torch._inductor.compile_fx
    import torch.export  # noqa: F401
    from torch._inductor import cpu_vec_isa

    with contextlib.suppress(Exception):  # where another release has it elsewhere, each child probes for itself
        cpu_vec_isa.pick_vec_isa()


def attempt(claim: Claim, deadline: float = DEADLINE) -> dict[str, typing.Any]:
    """{"claim", "answer", "words", "seconds"}, or {"failed": text} where the claim could not be tried."""
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix=f"{claim.name}-"))
    try:
        own = folder / "own"
        own.mkdir()
        child = os.fork()
        if child == 0:
            _be_the_script(claim.file, own, folder)
        status = _wait(child, began + deadline)
        said, complained = ((folder / stream).read_text(errors="replace") for stream in ("stdout", "stderr"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if status is None:
        return {"failed": f"no answer after {deadline:.0f} s" + _outputs(said, complained)}
    answers = _ANSWER.findall(said)
    lines = said.strip().splitlines()
    if status != 0:
        how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        return {"failed": f"the script ended with {how}" + _outputs(said, complained)}
    if len(answers) != 1 or not _ANSWER.match(lines[-1]):
        return {"failed": 'the last line is not the one that begins with "true: " or "false: "' + _outputs(said, complained)}
    answer, words = answers[0]
    return {"ok": {"claim": claim.name, "answer": answer, "words": words.strip(), "seconds": round(time.monotonic() - began, 3)}}


def _be_the_script(script: Path, own: Path, folder: Path) -> typing.NoReturn:
    """Never returns, whatever the script does."""
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        for descriptor, name in ((0, os.devnull), (1, folder / "stdout"), (2, folder / "stderr")):
            opened = os.open(name, os.O_RDWR | os.O_CREAT, 0o600)
            os.dup2(opened, descriptor)
        os.closerange(3, 1024)  # the pipe on which the worker answers is no script's
        os.environ["TMPDIR"] = str(own)
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(folder / "inductor")
        tempfile.tempdir = None
        os.chdir(own)
        sys.argv, sys.path[0:0] = [str(script)], [str(script.parent)]
        sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, mode) for number, mode in ((0, "r"), (1, "w"), (2, "w")))
        try:
            runpy.run_path(str(script), run_name="__main__")
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
            if end.code is not None and not isinstance(end.code, int):
                print(end.code, file=sys.stderr)
        except BaseException:  # noqa: BLE001 - of the script, not of this process
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status if 0 <= status <= 255 else 1)


def _wait(child: int, until: float) -> int | None:
    """The exit status, negative for a signal; None where the child was killed together with all that it started."""
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    for process in _tree(child):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _tree(root: int) -> list[int]:
    """A process and everything below it: compilers outlive the script that started them."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(folder.name))
    found = [root]
    for process in found:
        found += children.get(process, [])
    return found


def _outputs(said: str, complained: str) -> str:
    parts = [f"\n{name}:\n{text.strip()[-_KEPT_OUTPUT:]}" for name, text in (("output", said), ("errors", complained)) if text.strip()]
    return "".join(parts) or ", and printed nothing"
