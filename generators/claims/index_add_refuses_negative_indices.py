# SPDX-License-Identifier: Apache-2.0
"""A package refuses a negative index of index_add, as eager PyTorch does.

requirement: NUM_1
source: pytorch#185885
"""

import torch
from _programs import answer, loaded, refusal, words_of


class Add(torch.nn.Module):
    """Adds values to places."""

    def forward(self, x: torch.Tensor, index: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """x with the values added."""
        return x.index_add(0, index, values)


model = loaded(torch.export.export(Add(), (torch.zeros(5), torch.tensor([0, 1]), torch.ones(2))))
bad = (torch.zeros(5), torch.tensor([0, -1]), torch.ones(2))
eager = refusal(lambda: Add()(*bad))
results: list[torch.Tensor] = []
package = refusal(lambda: results.append(model(*bad)))
said = f"the package {'raises ' + words_of(package) if package else f'answers {results[0].tolist()}'}"
answer(eager is None or package is not None, f"index -1: eager {'raises ' + words_of(eager) if eager else 'answers'}, {said}")
