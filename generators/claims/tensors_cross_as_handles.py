# SPDX-License-Identifier: Apache-2.0
"""Tensors cross the boundary of the library as pointers.

requirement: ABI_2
source: S1 ABI
"""

import re
from pathlib import Path

import torch
from _programs import answer

headers = Path(torch.__file__).parent / "include" / "torch" / "csrc" / "inductor"
interface = (headers / "aoti_runtime" / "interface.h").read_text()
shim = "\n".join(header.read_text() for header in sorted((headers / "aoti_torch" / "c").glob("*.h")))
run = re.search(r"AOTInductorModelContainerRun\((.*?)\)\s*;", interface, re.DOTALL)
handle = re.search(r"(?:using\s+AtenTensorHandle\s*=\s*(.*?)|typedef\s+(.*?)\s*AtenTensorHandle)\s*;", shim)
if run is None or handle is None:
    raise SystemExit("the headers declare AOTInductorModelContainerRun and AtenTensorHandle in a way that this script does not know")
tensors = [parameter for parameter in re.sub(r"//.*", "", run.group(1)).split(",") if "Tensor" in parameter]
kind = " ".join((handle.group(1) or handle.group(2)).split())
pointers = bool(tensors) and all("AtenTensorHandle*" in parameter for parameter in tensors) and kind.endswith("*")
answer(pointers, f"ContainerRun takes {' and '.join(' '.join(parameter.split()) for parameter in tensors)}; AtenTensorHandle is {kind}")
