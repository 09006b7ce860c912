# SPDX-License-Identifier: Apache-2.0
"""torch.cond is imported by: from torch import cond.

requirement: EXP_7
source: S4 2
"""

from _programs import answer, words_of

try:
    from torch import cond
except ImportError as error:
    answer(False, words_of(error))
else:
    answer(callable(cond), f"the import works, and gives {cond.__module__}.{cond.__qualname__}")
