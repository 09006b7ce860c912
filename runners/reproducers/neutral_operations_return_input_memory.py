# SPDX-License-Identifier: Apache-2.0
"""Reproducer without the suite: x + 0 and x * 1 return the caller's own input memory from AOTInductor, and a copy from eager.

usage: python neutral_operations_return_input_memory.py      exit status 1 where the memory is shared, 0 where it is not; compiles for half a minute
"""

import sys
import tempfile

import torch


class Neutral(torch.nn.Module):
    """What leaves every number as it is."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Two outputs that eager PyTorch makes anew."""
        return x + 0, x * 1


with tempfile.TemporaryDirectory() as folder:
    program = torch.export.export(Neutral(), (torch.ones(4, 4),))
    model = torch._inductor.aoti_load_package(torch._inductor.aoti_compile_and_package(program, package_path=folder + "/model.pt2"))
    x = torch.ones(4, 4)
    shared = {
        name: [output.untyped_storage().data_ptr() == x.untyped_storage().data_ptr() for output in run(x)]
        for name, run in (("eager", Neutral()), ("AOTInductor", model))
    }
    print(f"torch {torch.__version__}: outputs x + 0 and x * 1 share memory with the input:", shared)
    sys.exit(1 if any(shared["AOTInductor"]) and not any(shared["eager"]) else 0)
