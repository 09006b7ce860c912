# SPDX-License-Identifier: Apache-2.0
"""The error code of a violated bound is called AOTI_RUNTIME_ERROR.

requirement: EXP_7
source: S2 exercise 4
"""

import re
from pathlib import Path

import torch
from _programs import answer

folder = Path(torch.__file__).parent / "include" / "torch" / "csrc" / "inductor"
names = sorted({name for header in folder.rglob("*.h") for name in re.findall(r"\bAOTI_RUNTIME_[A-Z_]+\b", header.read_text(errors="replace"))})
codes = [name for name in names if name.endswith(("_SUCCESS", "_FAILURE", "_ERROR"))]
answer("AOTI_RUNTIME_ERROR" in names, f"the codes in the headers are {', '.join(codes) or 'none'}")
