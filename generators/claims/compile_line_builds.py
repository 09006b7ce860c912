# SPDX-License-Identifier: Apache-2.0
"""g++ builds a C++ program of libtorch and the model runner with the compile line of the document as it is written.

requirement: EXP_7
source: S2 7.3
"""

import shutil
import subprocess

import torch
from _programs import answer, folder

if shutil.which("g++") is None:
    raise SystemExit("there is no g++ here")
SOURCE = """
#include <torch/torch.h>
#include <torch/csrc/inductor/aoti_runner/model_container_runner_cuda.h>
int main(int count, char** words) { return torch::inductor::AOTIModelContainerRunnerCuda(words[count - 1], 2).run({}).empty() ? 1 : 0; }
"""
work = folder()
(work / "inference.cpp").write_text(SOURCE)
root = f"{torch.utils.cmake_prefix_path}/../.."
line = ["g++", "-std=c++17", "inference.cpp", f"-I{root}/include", f"-L{root}/lib", "-ltorch", "-ltorch_cuda", "-lc10_cuda", "-o", "inference"]
done = subprocess.run(line, capture_output=True, text=True, cwd=work)
errors = [error.partition("error: ")[2] for error in done.stderr.splitlines() if "error: " in error]
if done.returncode == 0:
    answer(True, "it builds")
else:
    answer(False, f"g++ stops: {(errors or done.stderr.strip().splitlines())[0]}")
