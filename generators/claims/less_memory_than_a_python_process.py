# SPDX-License-Identifier: Apache-2.0
"""A process that has loaded libtorch takes less memory than a Python process that has imported torch.

requirement: EXP_7
source: S4 4
"""

import shutil
import subprocess
import sys
from pathlib import Path

import torch
from _programs import answer, folder

compiler = next((name for name in ("cc", "gcc", "g++") if shutil.which(name)), None)
if compiler is None:
    raise SystemExit("there is no C compiler here")
SOURCE = """
#include <dlfcn.h>
#include <stdio.h>
int main(int count, char** words) {
  if (!dlopen(words[count - 1], RTLD_NOW | RTLD_GLOBAL)) { puts(dlerror()); return 1; }
  FILE* status = fopen("/proc/self/status", "r");
  for (char line[256]; fgets(line, sizeof line, status);) fputs(line, stdout);
  return 0;
}
"""
work = folder()
(work / "loads.c").write_text(SOURCE)
options = ["-x", "c++"] if compiler == "g++" else []
subprocess.run([compiler, *options, "loads.c", "-o", "loads", "-ldl"], check=True, cwd=work)
library = Path(torch.__file__).parent / "lib" / "libtorch.so"
commands = {
    "a C program with libtorch.so": [str(work / "loads"), str(library)],
    "Python with torch imported": [sys.executable, "-c", "import torch; print(open('/proc/self/status').read())"],
}
resident: dict[str, float] = {}
for what, command in commands.items():
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    resident[what] = int(next(line for line in said.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024
without, python = resident.values()
answer(without < python, "resident: " + ", ".join(f"{what} {size:.0f} MiB" for what, size in resident.items()))
