# SPDX-License-Identifier: Apache-2.0
"""aot_compile of the module of an exported program and its inputs gives the path of a library.

requirement: EXP_7
source: S4 4
"""

from pathlib import Path

import torch
from _programs import Double, answer, refusal, words_of

x = torch.ones(2, 3)
module = torch.export.export(Double(), (x,)).module()
made: list[str] = []
error = refusal(lambda: made.append(torch._inductor.aot_compile(module, (x,))))
is_library = bool(made) and isinstance(made[0], str) and Path(made[0]).read_bytes()[:4] == b"\x7fELF"
answer(is_library, f"it raises {words_of(error)}" if error else f"it gives {'a shared library' if is_library else made[0]}, *{Path(made[0]).suffix}")
