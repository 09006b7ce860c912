# SPDX-License-Identifier: Apache-2.0
"""Reproducer without the suite: a call on a buffer without constants is refused and keeps the instance it took, so that the next call never returns.

usage: python refused_call_keeps_its_instance.py      exit status 1 where the next call hangs, 0 where it is answered; compiles for half a minute
"""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import torch

CHILD = """
import sys, torch
runner, x = torch._C._aoti.AOTIModelContainerRunnerCpu(sys.argv[1], 1), torch.randn(3, 16)
runner.run([x])
runner.swap_constant_buffer()  # to the one that was never filled
try:
    runner.run([x])
except RuntimeError as error:
    print("refused:", str(error).splitlines()[0])
runner.swap_constant_buffer()
runner.run([x])
"""

with tempfile.TemporaryDirectory() as folder:
    program = torch.export.export(torch.nn.Linear(16, 12), (torch.randn(3, 16),))
    path = torch._inductor.aoti_compile_and_package(program, package_path=folder + "/model.pt2")
    with zipfile.ZipFile(path) as package:
        package.extractall(folder)
    library = next(Path(folder).rglob("*.so"))
    try:
        status = subprocess.run([sys.executable, "-c", CHILD, str(library)], timeout=120).returncode
    except subprocess.TimeoutExpired:
        print(f"torch {torch.__version__}: the call after the refused one does not return")
        sys.exit(1)
    print(f"torch {torch.__version__}: the call after the refused one was answered; the process ended with status {status}")
