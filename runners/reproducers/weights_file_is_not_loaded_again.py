# SPDX-License-Identifier: Apache-2.0
"""Reproducer without the suite: loading the weights from a package's file a second time leaves a model that reads freed memory, or changes nothing.

usage: python weights_file_is_not_loaded_again.py      exit status 1 where that is so, 0 where it is not; compiles for half a minute
"""

import sys
import tempfile
import zipfile
from pathlib import Path

import torch

with tempfile.TemporaryDirectory() as folder, torch.no_grad():
    old, x = torch.nn.Linear(16, 12), torch.randn(3, 16)
    options = {"aot_inductor.package_constants_on_disk_format": "binary_blob"}
    path = torch._inductor.aoti_compile_and_package(torch.export.export(old, (x,)), package_path=folder + "/model.pt2", inductor_configs=options)
    with zipfile.ZipFile(path) as package:
        package.extractall(folder)
    library, weights = next(Path(folder).rglob("*.so")), next(Path(folder).rglob("*.blob"))

    twice = torch._C._aoti.AOTIModelContainerRunnerCpu(str(library), 1)
    twice.update_constant_buffer_from_blob(str(weights))
    twice.update_constant_buffer_from_blob(str(weights))
    off_twice = (twice.run([x])[0] - old(x)).abs().max().item()
    print(f"torch {torch.__version__}: after loading the file twice the answer is off by {off_twice:.3g}")

    updated = torch._C._aoti.AOTIModelContainerRunnerCpu(str(library), 1)
    updated.update_constant_buffer_from_blob(str(weights))
    updated.update_constant_buffer({"weight": torch.randn(12, 16), "bias": torch.randn(12)}, False, True, False)
    updated.run([x])
    updated.update_constant_buffer_from_blob(str(weights))
    off_updated = (updated.run([x])[0] - old(x)).abs().max().item()
    print(f"torch {torch.__version__}: after an update and loading the file the answer is off by {off_updated:.3g}")
    sys.exit(0 if off_twice < 1e-3 and off_updated < 1e-3 else 1)
