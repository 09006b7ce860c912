# SPDX-License-Identifier: Apache-2.0
"""Compiled kernels are cached below ~/.triton/cache.

requirement: EXP_6
source: S4 1
"""

import os

import torch
from _programs import Double, answer, folder, no_caches

home = folder()
os.environ["HOME"] = str(home)
with no_caches() as cache:
    torch.compile(Double())(torch.ones(64, 64))
    here = sum(1 for path in cache.rglob("*") if path.is_file())
    libraries = sum(1 for path in cache.rglob("*.so"))
in_home = sum(1 for path in home.rglob("*") if path.is_file())
in_triton = sum(1 for path in (home / ".triton" / "cache").rglob("*") if path.is_file())
words = f"kernels for the CPU: {here} files, {libraries} of them libraries, lie in the folder that TORCHINDUCTOR_CACHE_DIR names"
answer(in_triton > 0, f"{words}, {in_triton} below ~/.triton/cache, {in_home - in_triton} elsewhere in the home folder")
