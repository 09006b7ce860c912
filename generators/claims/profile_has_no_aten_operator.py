# SPDX-License-Identifier: Apache-2.0
"""A profile of a loaded package, after three warm-up steps, holds five active steps and no event of an ATen operator.

requirement: PROF_1
source: S0, code: profile_runner
"""

import json

import torch
from _programs import Mlp, answer, folder, loaded

x = torch.randn(4, 128)
model = loaded(torch.export.export(Mlp().eval(), (x,)))
trace = folder() / "trace.json"
with torch.profiler.profile(
    activities=[torch.profiler.ProfilerActivity.CPU],
    schedule=torch.profiler.schedule(wait=0, warmup=3, active=5, repeat=1),
    on_trace_ready=lambda profile: profile.export_chrome_trace(str(trace)),
) as profile:
    for step in range(8):
        with torch.profiler.record_function(f"step_{step}"):
            model(x)
        profile.step()
events = json.loads(trace.read_text())["traceEvents"]
steps = sorted({event["name"] for event in events if event.get("name", "").startswith("step_")})
operators = sorted({event["name"] for event in events if event.get("name", "").startswith("aten::")})
words = f"the MLP 128-256-10 on the CPU: {len(steps)} steps in the trace, operators: {', '.join(operators) or 'none'}"
answer(len(steps) == 5 and not operators, words)
