# SPDX-License-Identifier: Apache-2.0
"""The first call of a loaded package has no latency of its own: it takes as long as a later one.

requirement: PERF_1
source: S2 1.2, 9.1
"""

import statistics
import time
import typing

import torch
from _programs import Mlp, answer, loaded


def seconds(call: typing.Callable[[], typing.Any]) -> float:
    """Wall time of one call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


with torch.no_grad():
    eager, x = Mlp().eval(), torch.randn(4, 128)
    model = loaded(torch.export.export(eager, (x,)))
    eager(x)  # what is new to the process, its thread pools for example, is not the package's
    first = seconds(lambda: model(x))
    later = statistics.median(seconds(lambda: model(x)) for _ in range(101))
words = (
    f"the MLP 128-256-10 on the CPU, from Python: first call {first * 1e6:.0f} us, later ones {later * 1e6:.0f} us, {first / later:.1f} times as long"
)
if 2 < first / later < 5:
    raise SystemExit(f"too near to tell: {words}")
answer(first / later <= 2, words)
