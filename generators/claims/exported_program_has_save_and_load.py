# SPDX-License-Identifier: Apache-2.0
"""An exported program is saved and loaded by its methods save and load.

requirement: EXP_1
source: S2 3.2
"""

import torch
from _programs import Double, answer

program = torch.export.export(Double(), (torch.ones(2, 3),))
methods = [name for name in ("save", "load") if hasattr(program, name)]
functions = [f"torch.export.{name}" for name in ("save", "load") if hasattr(torch.export, name)]
answer(len(methods) == 2, f"of the two methods it has {' and '.join(methods) or 'none'}; functions: {' and '.join(functions) or 'none'}")
