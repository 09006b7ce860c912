# SPDX-License-Identifier: Apache-2.0
"""Where both layers share a device, the move between them is a no-op.

requirement: EXP_1
source: S0 code: MLP
"""

import torch
from _programs import answer


class Moves(torch.nn.Module):
    """Two layers, and a move to the device of the second."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = torch.nn.Linear(4, 4), torch.nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The second layer of the first, moved."""
        return self.fc2(self.fc1(x).to(self.fc2.weight.device))


program = torch.export.export(Moves(), (torch.ones(2, 4),))


def moves(exported: torch.export.ExportedProgram) -> list[str]:
    """Nodes that move or copy."""
    names = [str(node.target) for node in exported.graph.nodes if node.op == "call_function"]
    return [name for name in names if name.startswith(("aten.to", "aten._to_copy", "aten.clone", "aten.copy"))]


before, after = moves(program), moves(program.run_decompositions())
answer(
    not after,
    f"nodes that move or copy: as exported {', '.join(before) or 'none'}; decomposed, as the compiler sees it, {', '.join(after) or 'none'}",
)
