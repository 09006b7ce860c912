# SPDX-License-Identifier: Apache-2.0
"""Every call through the C layer returns an error code that is checked.

requirement: ABI_2
source: S1 example, ABI-compatible
"""

import re
import zipfile
from pathlib import Path

import torch
from _programs import Mlp, answer, folder

path = str(folder() / "code.pt2")
program = torch.export.export(Mlp(), (torch.ones(4, 128),))
torch._inductor.aoti_compile_and_package(program, package_path=path, inductor_configs={"aot_inductor.package_cpp_only": True})
with zipfile.ZipFile(path) as archive:
    code = "\n".join(archive.read(name).decode(errors="replace") for name in archive.namelist() if name.endswith(".wrapper.cpp"))
code = re.sub(r"/\*.*?\*/|//[^\n]*", "", code, flags=re.DOTALL)
headers = sorted((Path(torch.__file__).parent / "include" / "torch" / "csrc" / "inductor" / "aoti_torch").rglob("*.h"))
declared = "\n".join(header.read_text(errors="replace") for header in headers)
returns_a_code = set(re.findall(r"AOTITorchError\s+(aoti_torch_\w+)\s*\(", declared))
CALL = re.compile(r"(AOTI_TORCH_ERROR_CODE_CHECK\(\s*)?\b(aoti_torch_\w+)\s*\(")
checked: set[str] = set()
unchecked: set[str] = set()
for call in CALL.finditer(code):
    (checked if call.group(1) else unchecked).add(call.group(2))
if not checked or not checked <= returns_a_code:
    raise SystemExit("the generated code calls the layer in a way, or the headers declare it in one, that this script does not know")
careless = sorted(unchecked & returns_a_code)
others = sorted(unchecked - returns_a_code)
words = f"in the generated code of the MLP {len(checked)} functions are called under a check; called without, though they return a code: "
answer(not careless, f"{words}{', '.join(careless) or 'none'}; return none: {', '.join(others) or 'none'}")
