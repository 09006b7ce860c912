# SPDX-License-Identifier: Apache-2.0
"""A move between devices stays in the exported graph as an explicit _to_copy node. Tensors are fake: no device is needed.

requirement: PLACE_1
source: S0 code: MLP
"""

import torch
from _programs import answer
from torch._subclasses.fake_tensor import FakeTensorMode


class Moves(torch.nn.Module):
    """Two layers on two devices."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = torch.nn.Linear(4, 4), torch.nn.Linear(4, 4, device="cuda")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The second layer of the first, moved."""
        return self.fc2(self.fc1(x).to(self.fc2.weight.device))


with FakeTensorMode(allow_non_fake_inputs=True):
    program = torch.export.export(Moves(), (torch.ones(2, 4),))
    decomposed = program.run_decompositions()


def moves(exported: torch.export.ExportedProgram) -> list[str]:
    """Nodes that move or copy."""
    names = [str(node.target) for node in exported.graph.nodes if node.op == "call_function"]
    return [name for name in names if name.startswith(("aten.to", "aten._to_copy", "aten.clone", "aten.copy"))]


before, after = moves(program), moves(decomposed)
answer(
    any(name.startswith("aten._to_copy") for name in after),
    f"nodes that move or copy: as exported {', '.join(before) or 'none'}; decomposed, as the compiler sees it, {', '.join(after) or 'none'}",
)
