# SPDX-License-Identifier: Apache-2.0
"""Reproducer without the suite: the library of a compiled package asks for an executable stack.

usage: python library_asks_for_an_executable_stack.py      exit status 1 where it does, 0 where it does not
"""

import struct
import sys
import tempfile
import zipfile

import torch

PT_GNU_STACK, EXECUTABLE = 0x6474E551, 1

with tempfile.TemporaryDirectory() as folder:
    program = torch.export.export(torch.nn.Linear(2, 2), (torch.ones(2, 2),))
    with zipfile.ZipFile(torch._inductor.aoti_compile_and_package(program, package_path=f"{folder}/model.pt2")) as archive:
        library = archive.read(next(name for name in archive.namelist() if name.endswith(".so")))
begin, size, count = struct.unpack_from("<Q14x2H", library, 32)
segments = [struct.unpack_from("<2I", library, begin + number * size) for number in range(count)]
asks = any(kind == PT_GNU_STACK and flags & EXECUTABLE for kind, flags in segments)
print(f"torch {torch.__version__}: the stack of the library is", "executable" if asks else "not executable")
sys.exit(1 if asks else 0)
