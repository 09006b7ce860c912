# SPDX-License-Identifier: Apache-2.0
"""The first call of torch.compile pays for tracing and for making kernels.

requirement: PERF_1
source: S2 1.1; S4 1
"""

import statistics
import time
import typing

import torch
from _programs import Mlp, answer, no_caches


def seconds(call: typing.Callable[[], typing.Any]) -> float:
    """Wall time of one call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


torch.set_num_threads(1)  # threads that wait for a processor would be much of what is measured on a busy machine
with no_caches(), torch.no_grad():
    model, x = Mlp().eval(), torch.randn(4, 128)
    eager = [seconds(lambda: model(x)) for _ in range(101)]
    compiled = torch.compile(model)
    first = seconds(lambda: compiled(x))
    later = statistics.median(seconds(lambda: compiled(x)) for _ in range(101))
words = f"the MLP 128-256-10 on one thread: first call {first:.2f} s, later ones {later * 1e6:.0f} us; eager {eager[0] * 1e3:.2f} ms, then "
answer(first > 100 * later, words + f"{statistics.median(eager) * 1e6:.0f} us")
