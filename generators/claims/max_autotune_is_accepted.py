# SPDX-License-Identifier: Apache-2.0
"""The compiler accepts the option max_autotune, in aot_compile and in aoti_compile_and_package.

requirement: EXP_5
source: S2 4.2, 7.1, 7.2
"""

import torch
from _programs import Double, answer, package, refusal, words_of

x = torch.ones(2, 3)
program = torch.export.export(Double(), (x,))
errors = [
    refusal(lambda: torch._inductor.aot_compile(program.module(), (x,), options={"max_autotune": True})),
    refusal(lambda: package(program, inductor_configs={"max_autotune": True})),
]
said = [words_of(error) if error else "is accepted" for error in errors]
answer(not any(errors), f"aot_compile(options=...): {said[0]}; aoti_compile_and_package(inductor_configs=...): {said[1]}")
