# SPDX-License-Identifier: Apache-2.0
"""dynamic_shapes names the inputs by name or by position.

requirement: EXP_1
source: S2 3.3
"""

import torch
from _programs import Double, answer, refusal, words_of

batch = torch.export.Dim("batch", min=1, max=64)
ranges: dict[str, str] = {}
for way, shapes in (("by name", {"x": {0: batch}}), ("by position", ({0: batch},))):
    program: list[torch.export.ExportedProgram] = []
    error = refusal(lambda shapes=shapes, program=program: program.append(torch.export.export(Double(), (torch.ones(4, 3),), dynamic_shapes=shapes)))
    bounds = [] if error else list(program[0].range_constraints.values())
    ranges[way] = words_of(error) if error else f"{bounds[0].lower} to {bounds[0].upper}" if bounds else "no range"
answer(set(ranges.values()) == {"1 to 64"}, "; ".join(f"{way}: {what}" for way, what in ranges.items()))
