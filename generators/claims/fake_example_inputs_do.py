# SPDX-License-Identifier: Apache-2.0
"""The example inputs of the export may be fake: the package answers as eager PyTorch does.

requirement: EXP_4
source: S0 hybrid lowering
"""

import torch
from _programs import Mlp, answer, loaded
from torch._subclasses.fake_tensor import FakeTensorMode

model, x = Mlp().eval(), torch.randn(4, 128)
with FakeTensorMode():
    fake = torch.empty(x.shape, dtype=x.dtype)
programs = [torch.export.export(model, (example,)) for example in (fake, x)]
same_graph = programs[0].graph_module.code == programs[1].graph_module.code
difference = (loaded(programs[0])(x) - model(x)).abs().max().item()
words = f"the graph is {'the' if same_graph else 'not the'} one that real inputs give; the package differs from eager by {difference:.1e} at most"
answer(same_graph and difference < 1e-4, words)
