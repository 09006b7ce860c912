# SPDX-License-Identifier: Apache-2.0
"""Reproducer without the suite: a while_loop of no turns returns the caller's own input memory from AOTInductor, and a copy from eager.

usage: python while_loop_returns_input_memory.py      exit status 1 where the memory is shared, 0 where it is not; compiles for half a minute
"""

import sys
import tempfile

import torch
from torch._higher_order_ops.while_loop import while_loop


class Turns(torch.nn.Module):
    """As many turns as the first input says."""

    def forward(self, turns: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Halves x in each turn."""
        return while_loop(lambda left, value: (left > 0).all(), lambda left, value: (left - 1, value * 0.5), (turns, x))[1]


with tempfile.TemporaryDirectory() as folder:
    example = (torch.tensor([3]), torch.ones(4, 4))
    program = torch.export.export(Turns(), example)
    model = torch._inductor.aoti_load_package(torch._inductor.aoti_compile_and_package(program, package_path=folder + "/model.pt2"))
    none, x = torch.tensor([0]), torch.ones(4, 4)
    shared = {
        name: run(none, x).untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
        for name, run in (("eager", Turns()), ("AOTInductor", model))
    }
    print(f"torch {torch.__version__}: output shares memory with the input:", shared)
    sys.exit(1 if shared["AOTInductor"] and not shared["eager"] else 0)
