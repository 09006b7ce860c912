# SPDX-License-Identifier: Apache-2.0
"""Neighbouring element-wise operators become one kernel.

requirement: EXP_6
source: S4 3
"""

import re
import zipfile

import torch
from _programs import answer, folder


class Three(torch.nn.Module):
    """Addition, rectification, multiplication."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The three of the document."""
        return torch.relu(x + 1) * 2


path = str(folder() / "code.pt2")
program = torch.export.export(Three(), (torch.ones(64, 64),))
torch._inductor.aoti_compile_and_package(program, package_path=path, inductor_configs={"aot_inductor.package_cpp_only": True})
with zipfile.ZipFile(path) as archive:
    code = "\n".join(archive.read(name).decode(errors="replace") for name in archive.namelist() if name.endswith(".cpp"))
kernels = sorted(set(re.findall(r"\bcpp_fused_\w+", code)))
if not kernels:
    raise SystemExit("the generated code holds no kernel of a name that this script knows")
answer(len(kernels) == 1, f"the generated code has {len(kernels)} kernel(s): {', '.join(kernels)}")
