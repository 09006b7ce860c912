# SPDX-License-Identifier: Apache-2.0
"""A Python process that imports nothing but torch can load a package and run it.

requirement: LOAD_2
source: pytorch#173706
"""

import subprocess
import sys

import torch
from _programs import Double, answer, package

path = package(torch.export.export(Double(), (torch.ones(4, 3),)))
line = "import sys, torch; print(torch._inductor.aoti_load_package(sys.argv[1])(torch.ones(4, 3)).sum().item())"
done = subprocess.run([sys.executable, "-c", line, path], capture_output=True, text=True, check=False)
last = (done.stderr.strip().splitlines() or [""])[-1]
answer(done.returncode == 0 and done.stdout.strip() == "24.0", "it loads and runs" if done.returncode == 0 else last[:200])
