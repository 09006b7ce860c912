# SPDX-License-Identifier: Apache-2.0
"""Reproducer without the suite: a convolution with a dynamic number of filters gives as many channels as it was exported with.

usage: python filters_of_a_convolution_are_specialised.py      exit status 1 where a size inside the exported range gives another shape
"""

import sys
import tempfile

import torch


class Convolution(torch.nn.Module):
    """The weights are an input."""

    def forward(self, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        """As many channels as w has filters."""
        return torch.nn.functional.conv2d(x, w)


with tempfile.TemporaryDirectory() as folder:
    x = torch.ones(2, 3, 7, 7)
    filters = torch.export.Dim("filters", min=2, max=9)
    program = torch.export.export(Convolution(), (x, torch.ones(4, 3, 3, 3)), dynamic_shapes=({}, {0: filters}))
    model = torch._inductor.aoti_load_package(torch._inductor.aoti_compile_and_package(program, package_path=folder + "/model.pt2"))
    w = torch.ones(9, 3, 3, 3)
    shapes = {"eager": tuple(Convolution()(x, w).shape), "AOTInductor": tuple(model(x, w).shape)}
    print(f"torch {torch.__version__}: exported with 4 filters, range {program.range_constraints}; called with 9:", shapes)
    sys.exit(1 if shapes["AOTInductor"] != shapes["eager"] else 0)
