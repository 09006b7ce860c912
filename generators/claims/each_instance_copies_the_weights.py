# SPDX-License-Identifier: Apache-2.0
"""A loader with several instances holds the weights once for each of them.

requirement: CONST_1
source: S2 5.2, exercise 2
"""

import typing
from pathlib import Path

import torch
from _programs import answer, package

SIZE = 2048
WEIGHTS = SIZE * SIZE * 4
INSTANCES = 4
x = torch.randn(2, SIZE)
path = package(torch.export.export(torch.nn.Linear(SIZE, SIZE, bias=False).eval(), (x,)))
kept: list[typing.Any] = []


def one_more(instances: int) -> int:
    """Bytes of memory that one more loader takes."""

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    before = resident()
    loader = torch._C._aoti.AOTIModelPackageLoader(path, "model", False, instances, -1)  # aoti_load_package has no instances in older releases
    loader.run([x])
    kept.append(loader)
    return resident() - before


one_more(1)  # brings in the runtime itself
one, several = one_more(1), one_more(INSTANCES)
words = f"weights of {WEIGHTS / 2**20:.0f} MiB: a loader takes {one / 2**20:.0f} MiB with 1 instance and {several / 2**20:.0f} MiB with {INSTANCES}"
answer(several - one > (INSTANCES - 1) * WEIGHTS // 2, words)
