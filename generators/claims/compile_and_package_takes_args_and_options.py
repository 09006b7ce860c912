# SPDX-License-Identifier: Apache-2.0
"""aoti_compile_and_package takes the keywords args, package_path and options.

requirement: EXP_7
source: S2 7.2
"""

import inspect

import torch
from _programs import Double, answer, refusal, words_of

x = torch.ones(2, 3)
program = torch.export.export(Double(), (x,))
compile_and_package = torch._inductor.aoti_compile_and_package
documented = {"args": (x,), "package_path": "model.pt2", "options": {"max_autotune": True}}
taken = inspect.signature(compile_and_package).parameters
missing = [name for name in documented if name not in taken]
error = refusal(lambda: compile_and_package(program, **documented)) if missing else None
words = f"it takes {', '.join(taken)}; called as the document says it raises {words_of(error)}" if error else f"it takes {', '.join(taken)}"
answer(not missing, words)
