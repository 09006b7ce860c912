# SPDX-License-Identifier: Apache-2.0
"""torch.compile checks guards on every call and recompiles for a new shape.

requirement: EXP_6
source: S2 1.1
"""

import typing

import torch
from _programs import Double, answer

compiled_for: list[str] = []


def backend(graph: torch.fx.GraphModule, inputs: list[typing.Any]) -> typing.Callable[..., typing.Any]:
    """Compiles nothing, and notes what for."""
    compiled_for.append(str(tuple(next(i for i in inputs if isinstance(i, torch.Tensor)).shape)))
    return graph.forward


model = torch.compile(Double(), backend=backend)
counts: list[int] = []
for rows in (4, 4, 5, 6, 4):
    model(torch.ones(rows, 3))
    counts.append(len(compiled_for))
words = f"calls with 4, 4, 5, 6, 4 rows compile {counts} times in all, for inputs of {', then '.join(compiled_for)}"
answer(
    counts[0] == counts[1] == 1 and counts[2] == 2,
    words + ": a second size makes it dynamic, and no third one recompiles" * (counts[2:] == [2, 2, 2]),
)
