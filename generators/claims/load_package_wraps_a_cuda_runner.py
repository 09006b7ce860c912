# SPDX-License-Identifier: Apache-2.0
"""aoti_load_package is a thin wrapper of AOTIModelContainerRunnerCuda.

requirement: EXP_7
source: S2 7.1
"""

import torch
from _programs import Double, answer, loaded

model = loaded(torch.export.export(Double(), (torch.ones(2, 3),)))
inside = type(getattr(model, "loader", model)).__name__
answer("ContainerRunnerCuda" in inside, f"on the CPU it gives an object of class {type(model).__name__} around {inside}")
