# SPDX-License-Identifier: Apache-2.0
"""torch.export traces strictly, with fullgraph, unless told otherwise.

requirement: EXP_1
source: S2 3.1
"""

import inspect

import torch
from _programs import answer

default = inspect.signature(torch.export.export).parameters["strict"].default
answer(default is True, f"the default of torch.export.export is strict={default}")
