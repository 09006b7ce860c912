# SPDX-License-Identifier: Apache-2.0
"""The first inference of a package is fast because all is compiled before.

requirement: PERF_1
source: S4 4
"""

import time
import typing

import torch
from _programs import Mlp, answer, no_caches, package


def seconds(call: typing.Callable[[], typing.Any]) -> float:
    """Wall time of one call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


torch.set_num_threads(1)  # threads that wait for a processor would be much of what is measured on a busy machine
with no_caches(), torch.no_grad():
    model, x = Mlp().eval(), torch.randn(4, 128)
    path = package(torch.export.export(model, (x,)))
    ahead = seconds(lambda: torch._inductor.aoti_load_package(path)(x))
    just_in_time = seconds(lambda: torch.compile(model)(x))
words = f"the MLP 128-256-10 on one thread: loading the package and its first call take {ahead * 1e3:.0f} ms, the first call of torch.compile "
answer(ahead * 10 < just_in_time, words + f"{just_in_time * 1e3:.0f} ms")
