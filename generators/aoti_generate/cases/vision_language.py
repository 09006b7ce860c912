# SPDX-License-Identifier: Apache-2.0
"""A vision encoder and a text decoder, compiled apart and used together."""

from __future__ import annotations

import typing

from ..case import Case, case
from ..formula import ValueRange

if typing.TYPE_CHECKING:
    import torch

WIDTH = 32  # of a patch's and a token's vector
PATCHES = 16  # 4 x 4 of an image of 16 x 16


@case(source="S4 section 5")
def vision_encoder(c: Case) -> None:
    """Patches by convolution, then one transformer layer: [1, 16, 32] from an image."""
    c.input("image", "float32", (1, 3, 16, 16))
    c.contraction = 64

    @c.model
    def build() -> torch.nn.Module:
        import torch
        from torch import nn

        class Encoder(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.patches = nn.Conv2d(3, WIDTH, kernel_size=4, stride=4)
                self.positions = nn.Parameter(torch.empty(PATCHES, WIDTH))
                self.layer = nn.TransformerEncoderLayer(WIDTH, nhead=2, dim_feedforward=64, dropout=0.0, batch_first=True)

            def forward(self, image: torch.Tensor) -> torch.Tensor:
                return self.layer(self.patches(image).flatten(2).transpose(1, 2) + self.positions)

        return Encoder()


@case(source="S4 section 5")
def text_decoder(c: Case) -> None:
    """Tokens that attend to each other, causally, and to an image: logits over 50 words."""
    tokens = c.dim("tokens", min=2, max=16, example=6)
    c.input("features", "float32", (1, PATCHES, WIDTH))
    c.input("words", "int64", (1, tokens), ValueRange(0, 49, 0))
    c.contraction = 64
    c.after("after_the_encoder", input="features", case="vision_encoder")

    @c.model
    def build() -> torch.nn.Module:
        import torch
        from torch import nn

        class Decoder(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.embedding = nn.Embedding(50, WIDTH)
                self.to_self = nn.Linear(WIDTH, 3 * WIDTH)
                self.to_query = nn.Linear(WIDTH, WIDTH)
                self.to_image = nn.Linear(WIDTH, 2 * WIDTH)
                self.norm = nn.LayerNorm(WIDTH)
                self.head = nn.Linear(WIDTH, 50)

            def forward(self, features: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
                attend = torch.nn.functional.scaled_dot_product_attention
                hidden = self.embedding(words)
                query, key, value = self.to_self(hidden).chunk(3, dim=-1)
                hidden = hidden + attend(query, key, value, is_causal=True)
                key, value = self.to_image(features).chunk(2, dim=-1)
                hidden = self.norm(hidden + attend(self.to_query(hidden), key, value))
                return self.head(hidden)

        return Decoder()
