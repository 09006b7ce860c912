# SPDX-License-Identifier: Apache-2.0
"""A batch other than the static one goes unnoticed, and the numbers are wrong.

requirement: DYN_3
source: S2 3.3, exercise 3
"""

import os

import torch
from _programs import Mlp, answer, loaded, refusal, words_of

os.environ.pop("AOTI_RUNTIME_CHECK_INPUTS", None)
eager = Mlp().eval()
model = loaded(torch.export.export(eager, (torch.randn(4, 128),)))
x = torch.randn(7, 128)
results: list[torch.Tensor] = []
error = refusal(lambda: results.append(model(x)))
if error:
    answer(False, f"exported for 4 rows, called with 7: {words_of(error)}")
else:
    shape = tuple(results[0].shape)
    right = shape == (7, 10) and torch.allclose(results[0], eager(x), rtol=1e-3, atol=1e-4)
    wrong = f"{(~torch.isclose(results[0], eager(x), rtol=1e-3, atol=1e-4)).sum().item()} of 70 numbers are wrong" if shape == (7, 10) else "wrong"
    answer(not right, f"exported for 4 rows, called with 7: no error, shape {shape}, {'right' if right else wrong}")
