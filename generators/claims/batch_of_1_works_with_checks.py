# SPDX-License-Identifier: Apache-2.0
"""Any batch inside the compiled range works, with input checks on and a batch of 1 too.

requirement: DYN_8
source: S3 Python and C++ inference
"""

import os

import torch
from _programs import Double, answer, loaded, refusal, words_of

os.environ["AOTI_RUNTIME_CHECK_INPUTS"] = "1"
batch = torch.export.Dim("batch", min=1, max=64)
model = loaded(torch.export.export(Double(), (torch.ones(4, 3),), dynamic_shapes={"x": {0: batch}}))
said: dict[int, str] = {}
for rows in (1, 2, 64):
    x = torch.ones(rows, 3)
    error = refusal(lambda x=x: torch.testing.assert_close(model(x), x * 2))
    said[rows] = words_of(error) if error else "right"
outside = refusal(lambda: model(torch.ones(65, 3)))
if outside is None:
    raise SystemExit("65 rows are not refused: the input checks are not on")
answer(set(said.values()) == {"right"}, "declared are 1 to 64; " + "; ".join(f"{rows} rows: {what}" for rows, what in said.items()))
