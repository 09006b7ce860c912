# SPDX-License-Identifier: Apache-2.0
"""Packages are for inference only: a model in train mode is not compiled, and no gradient comes out.

requirement: EXP_2
source: S2 9.1, 9.2
"""

import torch
from _programs import answer, loaded, refusal, words_of


class Trains(torch.nn.Module):
    """Batch normalisation and dropout: both do something else in train mode."""

    def __init__(self) -> None:
        super().__init__()
        self.normalise, self.drop = torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalised, and half of it dropped."""
        return self.drop(self.normalise(x))


x = torch.randn(64, 8, requires_grad=True)
models: list = []
error = refusal(lambda: models.append(loaded(torch.export.export(Trains().train(), (x,)))))
if error:
    answer(True, f"a model in train mode is refused: {words_of(error)}")
else:
    outputs = [models[0](x), models[0](x)]
    dropped = (outputs[0] == 0).float().mean().item()
    fresh = not torch.equal(outputs[0], outputs[1])
    gradient = any(output.requires_grad for output in outputs)
    words = (
        f"a model in train mode exports and compiles; its package drops {dropped:.0%} of the values, {'others' if fresh else 'the same'} in each call"
    )
    answer(dropped < 0.1 and not gradient, f"{words}; its outputs {'carry' if gradient else 'carry no'} gradient")
