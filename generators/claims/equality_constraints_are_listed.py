# SPDX-License-Identifier: Apache-2.0
"""An exported program lists which dimensions must be equal in equality_constraints.

requirement: EXP_1
source: S2 3.1
"""

import torch
from _programs import answer


class Add(torch.nn.Module):
    """Two inputs with one size."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Their sum."""
        return x + y


rows = torch.export.Dim("rows", min=2, max=16)
program = torch.export.export(Add(), (torch.ones(4, 3), torch.ones(4, 3)), dynamic_shapes={"x": {0: rows}, "y": {0: rows}})
shapes = [str(tuple(node.meta["val"].shape)) for node in program.graph.nodes if node.op == "placeholder"]
listed = hasattr(program, "equality_constraints")
answer(listed, f"there is {'an' if listed else 'no'} attribute of this name; the inputs have the symbolic shapes {' and '.join(shapes)}")
