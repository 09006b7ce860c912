# SPDX-License-Identifier: Apache-2.0
"""The C functions aoti_load_model, aoti_run and aoti_delete_model load, run and free a library.

requirement: EXP_7
source: S4 4
"""

import ctypes
from pathlib import Path

import torch
from _programs import answer

FUNCTIONS = ("aoti_load_model", "aoti_run", "aoti_delete_model")
root = Path(torch.__file__).parent
libraries = [path for path in sorted((root / "lib").glob("lib*.so*")) if path.name.startswith(("libtorch", "libc10", "libaoti"))]
exported: set[str] = set()
for path in libraries:
    try:
        library = ctypes.CDLL(str(path))
    except OSError:  # one for a device that is not here
        continue
    exported |= {name for name in FUNCTIONS if hasattr(library, name)}
declared: set[str] = set()
headers = sorted((root / "include").rglob("*.h"))
for header in headers:
    text = header.read_text(errors="replace")
    declared |= {name for name in FUNCTIONS if f"{name}(" in text}
words = f"declared in {len(headers)} headers: {', '.join(sorted(declared)) or 'none'}; exported by {len(libraries)} libraries of torch: "
answer(exported == declared == set(FUNCTIONS), words + (", ".join(sorted(exported)) or "none"))
