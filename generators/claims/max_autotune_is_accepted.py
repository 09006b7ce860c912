# SPDX-License-Identifier: Apache-2.0
"""The compiler accepts the option max_autotune, in aot_compile and in aoti_compile_and_package.

requirement: EXP_5
source: S2 4.2, 7.1, 7.2
"""

import torch
from _programs import Double, answer, loaded, refusal, words_of

x = torch.ones(2, 3)
program = torch.export.export(Double(), (x,))
# One of the two stops before the C++ compiler, which the option does not concern.
code_only = {"max_autotune": True, "aot_inductor.package_cpp_only": True}
errors = [
    refusal(lambda: torch._inductor.aot_compile(program.module(), (x,), options=code_only)),
    refusal(lambda: torch.testing.assert_close(loaded(program, inductor_configs={"max_autotune": True})(x), x * 2)),
]
said = [words_of(error) if error else "accepted" for error in errors]
answer(not any(errors), f"aot_compile(options=...): {said[0]}; aoti_compile_and_package(inductor_configs=...), and a run of the package: {said[1]}")
