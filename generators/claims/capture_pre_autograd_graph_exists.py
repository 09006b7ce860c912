# SPDX-License-Identifier: Apache-2.0
"""capture_pre_autograd_graph is imported from torch._export.

requirement: EXP_7
source: S4 4
"""

from _programs import answer, words_of

try:
    from torch._export import capture_pre_autograd_graph
except ImportError as error:
    answer(False, words_of(error))
else:
    answer(callable(capture_pre_autograd_graph), "the import works")
