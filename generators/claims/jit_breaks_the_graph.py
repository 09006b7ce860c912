# SPDX-License-Identifier: Apache-2.0
"""Where torch.compile cannot trace, it breaks the graph instead of failing or being silently wrong.

requirement: EXP_6
source: S4 overview, 2
"""

import torch
from _programs import answer


class Branch(torch.nn.Module):
    """Decides in Python by what a tensor holds."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Doubled or negated."""
        a = x + 1
        if x.sum() > 0:
            return a * 2
        return -a


graphs: list[torch.fx.GraphModule] = []


def backend(graph: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> object:
    """Compiles nothing, and keeps the graph."""
    graphs.append(graph)
    return graph.forward


compiled = torch.compile(Branch(), backend=backend)
right = all(torch.equal(compiled(x), Branch()(x)) for x in (torch.ones(3), -torch.ones(3)))
answer(right and len(graphs) > 1, f"a branch on data becomes {len(graphs)} graphs; the answers of both ways are {'right' if right else 'wrong'}")
