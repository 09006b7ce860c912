# SPDX-License-Identifier: Apache-2.0
"""Reproducer without the suite: weights that are updated from a view of another tensor are not the values that the view has.

usage: python update_from_a_view_is_misread.py      exit status 1 where a view is misread, 0 where none is; compiles for half a minute
"""

import sys
import tempfile

import torch


class Linear(torch.nn.Module):
    """A weight that is read in two ways, and one after it."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(12, 16))
        self.other = torch.nn.Parameter(torch.randn(12, 16))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Both weights, one after the other."""
        return x @ self.weight.t() + x @ self.other.t() * 3


def views(values: torch.Tensor) -> dict[str, torch.Tensor]:
    """The same values, each time elsewhere in memory."""
    tall, wide, turned = torch.full((16, 16), 1000.0), torch.full((12, 32), 1000.0), torch.empty(16, 12)
    tall[2:14], wide[:, ::2] = values, values
    turned.copy_(values.t())
    return {"rows inside a tensor": tall[2:14], "every second column": wide[:, ::2], "a transposed tensor": turned.t()}


with tempfile.TemporaryDirectory() as folder, torch.no_grad():
    old, new, x = Linear(), Linear(), torch.randn(3, 16)
    path = torch._inductor.aoti_compile_and_package(torch.export.export(old, (x,)), package_path=folder + "/model.pt2")
    wrong = 0
    for name, view in views(new.weight).items():
        assert torch.equal(view, new.weight)
        model = torch._C._aoti.AOTIModelPackageLoader(path, "model", False, 1, -1)
        model.load_constants({"weight": view, "other": new.other}, False, True)
        error = (model.run([x])[0] - new(x)).abs().max().item()
        wrong += error > 1e-3
        print(f"torch {torch.__version__}: after an update from {name} the answer is off by {error:.3g}")
    sys.exit(1 if wrong else 0)
