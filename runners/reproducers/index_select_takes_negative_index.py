# SPDX-License-Identifier: Apache-2.0
"""torch.index_select of a compiled package takes -1 for the last row; eager PyTorch refuses it.

Run: python index_select_takes_negative_index.py. Exits 1 where it shows. Upstream: pytorch#169779.
"""

import sys
import tempfile

import torch


class Select(torch.nn.Module):
    """Rows by number."""

    def forward(self, x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:  # noqa: D102
        return torch.index_select(x, 0, rows)


x = torch.arange(32.0).reshape(16, 2)
with tempfile.TemporaryDirectory() as folder:
    program = torch.export.export(Select(), (x, torch.tensor([0, 1])))
    model = torch._inductor.aoti_load_package(torch._inductor.aoti_compile_and_package(program, package_path=f"{folder}/select.pt2"))
    try:
        print("answered:", model(x, torch.tensor([0, -1])).tolist())
    except RuntimeError as error:
        print("refused:", str(error).splitlines()[0])
        sys.exit(0)
sys.exit(1)
