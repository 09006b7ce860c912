# SPDX-License-Identifier: Apache-2.0
"""Going without Python saves 50 MB and more.

requirement: EXP_7
source: S4 4
"""

import sys
import sysconfig
from pathlib import Path

import torch
from _programs import answer


def megabytes(*files: Path) -> float:
    """Of those that exist; a file with two names counts once."""
    return sum(file.stat().st_size for file in {file.resolve() for file in files if file.is_file()}) / 1e6


root = Path(torch.__file__).parent
standard = Path(sysconfig.get_paths()["stdlib"])
library = Path(str(sysconfig.get_config_var("LIBDIR"))) / str(sysconfig.get_config_var("LDLIBRARY"))
parts = {
    "the interpreter": megabytes(Path(sys.executable), *library.parent.glob(library.name + "*")),
    "its standard library": megabytes(*(file for file in standard.rglob("*.*") if "-packages" not in str(file) and "__pycache__" not in str(file))),
    "libtorch_python": megabytes(*(root / "lib").glob("libtorch_python.*")),
    "torch's Python files": megabytes(*root.rglob("*.py")),
}
total = sum(parts.values())
answer(total >= 50, f"a deployment without Python leaves out {total:.0f} MB: " + ", ".join(f"{name} {size:.0f}" for name, size in parts.items()))
