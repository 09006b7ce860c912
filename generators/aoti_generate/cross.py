# SPDX-License-Identifier: Apache-2.0
"""Compiles for a CUDA device that this machine has not: on a pretended one (fixtures/pretended_cuda), on which PyTorch and Triton find all that they
ask for. It computes nothing there; what is compiled is what a machine with such a device would compile.

PyTorch and Triton remember what device they have found, so this happens in a process of its own: `write_package` starts

    pretend python -m aoti_generate.cross CASE FILE
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from . import compile, placement, plan
from .case import Case, case_called


def write_package(case: Case, path: Path) -> None:
    """Compiles the case for its capability, in a process of its own. AOTI_CTS_PRETEND names the script that starts it on the pretended device."""
    pretend = os.environ.get("AOTI_CTS_PRETEND", "")
    if not Path(pretend).is_file():
        raise FileNotFoundError(f"the pretended CUDA device is not there (AOTI_CTS_PRETEND={pretend}): run ./aoti-cts setup")
    device = {"AOTI_PRETENDED_CUDA_CAPABILITY": str(case.compiled_for), "AOTI_PRETENDED_CUDA_IDLE": "1", "AOTI_PRETENDED_CUDA_PTX": "0"}
    environment = {**os.environ, **placement.for_compilers(), **device, "PYTHONPATH": str(plan.GENERATORS)}
    asked = subprocess.run(
        [pretend, sys.executable, "-m", "aoti_generate.cross", case.name, str(path)], capture_output=True, text=True, env=environment
    )
    if asked.returncode != 0:
        raise RuntimeError(f"compiling for a device that is not there failed (exit status {asked.returncode}): {asked.stderr[-10000:]}")


def main(name: str, path: str) -> int:
    """What `write_package` starts."""
    case = case_called(name)
    with placement.on_devices():
        compile.write_package(compile.export(case, compile.build_module(case)), {}, Path(path), case.options)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
