# SPDX-License-Identifier: Apache-2.0
"""A Dim without bounds exports, and the package is not specialised on the size of the example.

requirement: EXP_1
source: S2 6.1
"""

import torch
from _programs import Double, answer, loaded

program = torch.export.export(Double(), (torch.ones(4, 3),), dynamic_shapes={"x": {0: torch.export.Dim("batch")}})
model = loaded(program)
bounds = next(iter(program.range_constraints.values()))
sizes = (1, 3, 7, 1000)
right = [size for size in sizes if torch.equal(model(torch.ones(size, 3)), torch.full((size, 3), 2.0))]
answer(right == list(sizes), f"the range is {bounds.lower} to {bounds.upper}; exported with 4 rows, right with {right} of {list(sizes)}")
