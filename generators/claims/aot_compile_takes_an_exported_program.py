# SPDX-License-Identifier: Apache-2.0
"""torch._inductor.aot_compile takes an exported program and gives the path of a library.

requirement: EXP_7
source: S2 4.1, 7.1
"""

import torch
from _programs import Double, answer, refusal, words_of

x = torch.ones(2, 3)
program = torch.export.export(Double(), (x,))
error = refusal(lambda: torch._inductor.aot_compile(program, (x,)))
answer(error is None, f"it raises {words_of(error)}" if error else "it is compiled")
