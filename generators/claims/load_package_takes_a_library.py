# SPDX-License-Identifier: Apache-2.0
"""aoti_load_package loads the library that aot_compile gave.

requirement: EXP_7
source: S2 7.1
"""

import torch
from _programs import Double, answer, refusal, words_of

x = torch.ones(2, 3)
library = torch._inductor.aot_compile(torch.export.export(Double(), (x,)).module(), (x,))
error = refusal(lambda: torch._inductor.aoti_load_package(library)(x))
answer(error is None, f"given the .so it {'raises ' + words_of(error) if error else 'loads and runs it'}")
