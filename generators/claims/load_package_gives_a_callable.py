# SPDX-License-Identifier: Apache-2.0
"""aoti_load_package gives a Python callable that takes real tensors.

requirement: EXP_7
source: S0 hybrid lowering
"""

import torch
from _programs import Double, answer, loaded

x = torch.randn(2, 3)
model = loaded(torch.export.export(Double(), (x,)))
right = callable(model) and torch.equal(model(x), x * 2)
answer(
    right, f"it gives an object of class {type(model).__name__}, {'whose answer is right' if right else 'which cannot be called, or answers wrongly'}"
)
