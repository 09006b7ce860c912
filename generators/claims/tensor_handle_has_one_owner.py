# SPDX-License-Identifier: Apache-2.0
"""A tensor object has exactly one owner on either side of the boundary.

requirement: ABI_2
source: S1 ABI
"""

import shutil
import subprocess
from pathlib import Path

import torch
from _programs import answer, folder

if shutil.which("g++") is None:
    raise SystemExit("there is no g++ here")
PROPERTIES = {
    "cannot be copied": "!std::is_copy_constructible_v<Handle> && !std::is_copy_assignable_v<Handle>",
    "can be moved": "std::is_nothrow_move_constructible_v<Handle> || std::is_move_constructible_v<Handle>",
}
root = Path(torch.__file__).parent / "include"
compile_line = ["g++", "-std=c++20", "-fsyntax-only", f"-I{root}", f"-I{root}/torch/csrc/api/include", "check.cpp"]


def compiles(test: str) -> bool:
    """Whether a source with this assertion does."""
    head = "#include <torch/csrc/inductor/aoti_runtime/utils.h>\n#include <type_traits>\n"
    work = folder()
    (work / "check.cpp").write_text(f"{head}using Handle = torch::aot_inductor::RAIIAtenTensorHandle;\nstatic_assert({test});\n")
    return subprocess.run(compile_line, capture_output=True, cwd=work).returncode == 0


if not compiles("true"):
    raise SystemExit("RAIIAtenTensorHandle is not where this script looks for it")
holds = {words: compiles(test) for words, test in PROPERTIES.items()}
words = ", ".join(words if there else f"not: {words}" for words, there in holds.items())
answer(all(holds.values()), f"RAIIAtenTensorHandle, which owns a tensor in the library, {words}")
