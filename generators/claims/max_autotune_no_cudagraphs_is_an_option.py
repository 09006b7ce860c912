# SPDX-License-Identifier: Apache-2.0
"""max-autotune-no-cudagraphs is an option of the compiler.

requirement: EXP_5
source: S2 8; S4 1
"""

import torch
from _programs import Double, answer, refusal, words_of

NAME = "max-autotune-no-cudagraphs"
x = torch.ones(2, 3)
program = torch.export.export(Double(), (x,))
code_only = {NAME: True, "aot_inductor.package_cpp_only": True}
error = refusal(lambda: torch._inductor.aot_compile(program.module(), (x,), options=code_only))
modes = torch._inductor.list_mode_options()
means = f"a mode of torch.compile that stands for {modes[NAME]}" if NAME in modes else "no mode of torch.compile either"
answer(error is None, f"as an option of aot_compile: {words_of(error) if error else 'accepted'}; it is {means}")
