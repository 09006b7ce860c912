# SPDX-License-Identifier: Apache-2.0
"""aoti_load_package starts no compiler, nor any other process.

requirement: LOAD_2
source: pytorch#191715
"""

import os
import subprocess
import sys

import torch
from _programs import Double, answer, folder, package

COUNT = """
import subprocess, sys, time, torch
started = []
audit = lambda event, arguments: started.append(str(arguments[0])) if event == "subprocess.Popen" else None
sys.addaudithook(audit)
begin = time.monotonic()
torch._inductor.aoti_load_package(sys.argv[1])
print(len(started), f"{time.monotonic() - begin:.1f}", sorted({name.split("/")[-1] for name in started}))
"""

path = package(torch.export.export(Double(), (torch.ones(4, 3),)))
fresh = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": str(folder())}  # as in a container that has never compiled
said = subprocess.run([sys.executable, "-c", COUNT, path], env=fresh, capture_output=True, text=True, check=True).stdout.split(maxsplit=2)
answer(said[0] == "0", f"{said[0]} processes in {said[1]} s: {said[2].strip()}")
