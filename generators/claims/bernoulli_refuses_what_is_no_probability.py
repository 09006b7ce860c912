# SPDX-License-Identifier: Apache-2.0
"""A package refuses to draw with a probability outside 0 to 1, as eager PyTorch does.

requirement: NUM_1
source: pytorch#185246; torch.bernoulli documentation
"""

import torch
from _programs import answer, loaded, refusal, words_of


class Draw(torch.nn.Module):
    """Draws 0 or 1."""

    def forward(self, probability: torch.Tensor) -> torch.Tensor:
        """One draw per element."""
        return torch.bernoulli(probability)


model = loaded(torch.export.export(Draw(), (torch.tensor([0.0, 1.0]),)))
bad = (torch.tensor([1.5, -0.25]),)
eager = refusal(lambda: Draw()(*bad))
results: list[torch.Tensor] = []
package = refusal(lambda: results.append(model(*bad)))
said = f"the package {'raises ' + words_of(package) if package else f'answers {results[0].tolist()}'}"
answer(eager is None or package is not None, f"probabilities 1.5 and -0.25: eager {'raises ' + words_of(eager) if eager else 'answers'}, {said}")
