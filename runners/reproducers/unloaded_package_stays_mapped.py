# SPDX-License-Identifier: Apache-2.0
"""The library of a package stays mapped after its loader is gone: each load adds mappings and memory, for ever.

Its dynamic symbols of kind STB_GNU_UNIQUE (inline variables of the header-only runtime) make dlclose() keep it.
Run: python unloaded_package_stays_mapped.py. Exits 1 where it shows.
"""

import gc
import sys
import tempfile
from pathlib import Path

import torch


def mappings() -> int:
    """Lines of /proc/self/maps that belong to packages."""
    return sum("wrapper.so" in line or "aotinductor" in line for line in Path("/proc/self/maps").read_text().splitlines())


x = torch.ones(4, 8)
with tempfile.TemporaryDirectory() as folder:
    program = torch.export.export(torch.nn.Linear(8, 2), (x,))
    package = torch._inductor.aoti_compile_and_package(program, package_path=f"{folder}/linear.pt2")
    for _ in range(20):
        model = torch._inductor.aoti_load_package(package)
        model(x)
        del model
        gc.collect()
    left = mappings()
print(f"{left} mappings of unloaded packages after 20 loads")
sys.exit(1 if left else 0)
