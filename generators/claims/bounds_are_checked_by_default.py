# SPDX-License-Identifier: Apache-2.0
"""A size outside the declared bounds raises an error, without being asked for.

requirement: DYN_2
source: S2 4.3, 6.3
"""

import os

import torch
from _programs import Double, answer, loaded, refusal, words_of

os.environ.pop("AOTI_RUNTIME_CHECK_INPUTS", None)
batch = torch.export.Dim("batch", min=2, max=64)
model = loaded(torch.export.export(Double(), (torch.ones(4, 3),), dynamic_shapes={"x": {0: batch}}))
said: list[str] = []
refused = []
for rows in (65, 1):
    right: list[bool] = []
    x = torch.ones(rows, 3)
    error = refusal(lambda x=x, right=right: right.append(torch.equal(model(x), x * 2)))
    refused.append(error is not None)
    said.append(f"{rows} rows: {words_of(error) if error else 'no error, and the numbers are ' + ('right' if right[0] else 'wrong')}")
answer(all(refused), f"declared are 2 to 64; {'; '.join(said)}")
