# SPDX-License-Identifier: Apache-2.0
"""The library exports the C functions ContainerCreate, ContainerRun and ContainerDelete under their plain names.

requirement: ABI_2
source: S2 1.2, 5.1, 5.2
"""

import ctypes

import torch
from _programs import Double, answer

FUNCTIONS = [f"AOTInductorModelContainer{name}" for name in ("Create", "Run", "Delete")]
x = torch.ones(2, 3)
path = torch._inductor.aot_compile(torch.export.export(Double(), (x,)).module(), (x,))
library = ctypes.CDLL(path)
found = [name for name in FUNCTIONS if hasattr(library, name)]
answer(found == FUNCTIONS, f"exported: {', '.join(found) or 'none'}")
