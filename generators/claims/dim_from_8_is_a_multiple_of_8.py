# SPDX-License-Identifier: Apache-2.0
"""Dim("seq", min=8, max=2048) declares a size that is a multiple of 8.

requirement: EXP_7
source: S2 6.1
"""

import torch
from _programs import Double, answer, refusal, words_of

seq = torch.export.Dim("seq", min=8, max=2048)
program = torch.export.export(Double(), (torch.ones(2, 16),), dynamic_shapes={"x": {1: seq}})
bounds = next(iter(program.range_constraints.values()))
error = refusal(lambda: program.module()(torch.ones(2, 9)))
outside = refusal(lambda: program.module()(torch.ones(2, 7)))
words = f"the range is {bounds.lower} to {bounds.upper}; the exported program {'refuses' if error else 'takes'} 9"
words += f" ({words_of(error)})" if error else ""
answer(error is not None, words + f" and {'refuses' if outside else 'takes'} 7")
