# SPDX-License-Identifier: Apache-2.0
"""ContainerCreate, ContainerRun and ContainerDelete have the parameters that the document lists.

requirement: ABI_2
source: S2 5.2
"""

import shutil
import subprocess
from pathlib import Path

import torch
from _programs import answer, folder

if shutil.which("g++") is None:
    raise SystemExit("there is no g++ here")
LISTED = {
    "Create": "AOTInductorModelContainerHandle*, size_t, bool, const char*",
    "Run": "AOTInductorModelContainerHandle, AtenTensorHandle*, size_t, AtenTensorHandle*, size_t, AOTInductorStreamHandle, "
    "AOTInductorProxyExecutorHandle",
    "Delete": "AOTInductorModelContainerHandle",
}
root = Path(torch.__file__).parent / "include"
work = folder()
said: dict[str, str] = {}
for name, parameters in LISTED.items():
    source = "#include <torch/csrc/inductor/aoti_runtime/interface.h>\n"
    source += f"AOTIRuntimeError (*function)({parameters}) = &AOTInductorModelContainer{name};\n"
    (work / "check.cpp").write_text(source)
    line = ["g++", "-std=c++20", "-fsyntax-only", f"-I{root}", f"-I{root}/torch/csrc/api/include", "check.cpp"]
    done = subprocess.run(line, capture_output=True, text=True, cwd=work)
    errors = [error.partition("error: ")[2] for error in done.stderr.splitlines() if "error: " in error]
    said[name] = "as listed" if done.returncode == 0 else errors[0] if errors else done.stderr.strip()[:200]
answer(set(said.values()) == {"as listed"}, "; ".join(f"{name}: {what}" for name, what in said.items()))
