# SPDX-License-Identifier: Apache-2.0
"""Scaled dot product attention with arbitrary masks is not supported.

requirement: EXP_2
source: S2 9.2
"""

import torch
from _programs import answer, loaded, refusal, words_of


class Attends(torch.nn.Module):
    """Attention with whatever mask the caller gives."""

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Attention of x to itself."""
        return torch.nn.functional.scaled_dot_product_attention(x, x, x, attn_mask=mask)


x = torch.randn(1, 2, 8, 16)
patchy, band = (torch.rand(8, 8) < 0.5) | torch.eye(8, dtype=torch.bool), torch.ones(8, 8).triu(-1).tril(1).bool()
said: list[str] = []
models = []
error = refusal(lambda: models.append(loaded(torch.export.export(Attends(), (x, patchy)))))
if error:
    answer(True, words_of(error))
else:
    wrong = [refusal(lambda mask=mask: torch.testing.assert_close(models[0](x, mask), Attends()(x, mask))) for mask in (patchy, band)]
    first = next((words_of(error) for error in wrong if error), "")
    answer(any(wrong), first or "the mask is an input of the package; it answers right with a random one and with a band")
