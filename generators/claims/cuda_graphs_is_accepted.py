# SPDX-License-Identifier: Apache-2.0
"""The compiler accepts the option cuda_graphs.

requirement: EXP_5
source: S2 7.1, 8
"""

import torch
from _programs import Double, answer, refusal, words_of

x = torch.ones(2, 3)
program = torch.export.export(Double(), (x,))
code_only = {"cuda_graphs": True, "aot_inductor.package_cpp_only": True}
error = refusal(lambda: torch._inductor.aot_compile(program.module(), (x,), options=code_only))
near = "triton.cudagraphs" in torch._inductor.config.get_config_copy()
answer(error is None, f"{words_of(error) if error else 'it is accepted'}; triton.cudagraphs is {'one' if near else 'none either'}")
