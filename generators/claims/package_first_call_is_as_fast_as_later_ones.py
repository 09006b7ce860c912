# SPDX-License-Identifier: Apache-2.0
"""The first call of a loaded package has no latency of its own: it takes as long as a later one.

requirement: PERF_1
source: S2 1.2, 9.1
"""

import statistics
import time

import torch
from _programs import Mlp, answer, package

torch.set_num_threads(1)  # threads that wait for a processor would be all that is measured on a busy machine
x = torch.randn(4, 128)
path = package(torch.export.export(Mlp().eval(), (x,)))
firsts: list[float] = []
laters: list[float] = []
for _ in range(9):
    model = torch._inductor.aoti_load_package(path)
    seconds: list[float] = []
    for _ in range(50):
        began = time.perf_counter()
        model(x)
        seconds.append(time.perf_counter() - began)
    firsts.append(seconds[0])
    laters += seconds[10:]
first, later = statistics.median(firsts), statistics.median(laters)
words = (
    f"the MLP 128-256-10 on one thread, loaded {len(firsts)} times, medians: the first call {first * 1e6:.0f} us, a later one {later * 1e6:.0f} us"
)
answer(first < 3 * later, f"{words}, {first / later:.1f} times as long")
