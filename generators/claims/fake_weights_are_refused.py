# SPDX-License-Identifier: Apache-2.0
"""A model with fake weights cannot be compiled: it must be exported with real ones.

requirement: EXP_4
source: S0 hybrid lowering
"""

import torch
from _programs import Mlp, answer, package, refusal, words_of
from torch._subclasses.fake_tensor import FakeTensorMode

with FakeTensorMode():
    model, x = Mlp(), torch.empty(4, 128)
try:
    program = torch.export.export(model, (x,))
except Exception as error:  # noqa: BLE001 - then it is export that refuses
    answer(True, f"export refuses them: {words_of(error)}")
else:
    error = refusal(lambda: package(program))
    answer(error is not None, f"they export; compiling {'raises ' + words_of(error) if error else 'gives a package'}")
