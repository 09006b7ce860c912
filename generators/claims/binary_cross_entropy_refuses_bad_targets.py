# SPDX-License-Identifier: Apache-2.0
"""A package refuses targets of binary cross-entropy outside 0 to 1, as eager PyTorch does.

requirement: NUM_1
source: pytorch#193757
"""

import torch
from _programs import answer, loaded, refusal, words_of


class Entropy(torch.nn.Module):
    """A loss."""

    def forward(self, x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Binary cross-entropy of x and its targets."""
        return torch.nn.functional.binary_cross_entropy(x, target)


model = loaded(torch.export.export(Entropy(), (torch.ones(4, 4), torch.ones(4, 4))))
bad = (torch.ones(4, 4), torch.full((4, 4), 1.5))
eager = refusal(lambda: Entropy()(*bad))
results: list[torch.Tensor] = []
package = refusal(lambda: results.append(model(*bad)))
said = f"the package {'raises ' + words_of(package) if package else f'answers {results[0].tolist()}'}"
answer(eager is None or package is not None, f"target 1.5: eager {'raises ' + words_of(eager) if eager else 'answers'}, {said}")
