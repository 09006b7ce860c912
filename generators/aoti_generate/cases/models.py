# SPDX-License-Identifier: Apache-2.0
"""Models as people build them from layers, small: what a package is for."""

from __future__ import annotations

import typing

from ..case import Case, case
from ..formula import ValueRange

if typing.TYPE_CHECKING:
    import torch

SMALL = ValueRange(-32, 31, 7)  # weights below 1/4, so that deep models stay near 1


@case(source="SPEC NUM-5", profile="full")
def resnet(c: Case) -> None:
    """A residual network: a stem, a block of the same width, a strided one with a shortcut by convolution, pooling and a head."""
    batch = c.dim("batch", min=1, max=4, example=2)
    c.input("image", "float32", (batch, 3, 16, 16))
    c.contraction = 144
    c.weights = SMALL

    @c.model
    def build() -> torch.nn.Module:
        import torch
        from torch import nn

        class Block(nn.Module):
            def __init__(self, into: int, out: int, stride: int) -> None:
                super().__init__()
                self.first = nn.Sequential(nn.Conv2d(into, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU())
                self.second = nn.Sequential(nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out))
                shortcut = nn.Sequential(nn.Conv2d(into, out, 1, stride, bias=False), nn.BatchNorm2d(out))
                self.shortcut = nn.Identity() if stride == 1 and into == out else shortcut

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return torch.relu(self.second(self.first(x)) + self.shortcut(x))

        stem = [nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
        head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10)]
        return nn.Sequential(*stem, Block(8, 8, 1), Block(8, 16, 2), *head)


@case(source="SPEC NUM-5", profile="full")
def cnn(c: Case) -> None:
    """Two convolutions with pooling and two linear layers, then log-softmax: digits."""
    batch = c.dim("batch", min=1, max=8, example=3)
    c.input("image", "float32", (batch, 1, 14, 14))
    c.contraction = 200

    @c.model
    def build() -> torch.nn.Module:
        from torch import nn

        features = [nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten()]
        return nn.Sequential(*features, nn.Linear(32, 16), nn.Dropout(0.5), nn.ReLU(), nn.Linear(16, 10), nn.LogSoftmax(1))


@case(source="SPEC NUM-5, DYN-8", profile="full", on_cuda=True)
def transformer_encoder(c: Case) -> None:
    """Two encoder layers of nn.TransformerEncoder over a dynamic batch and sequence, then the mean over positions."""
    batch, sequence = c.dim("batch", min=1, max=3, example=2), c.dim("sequence", min=2, max=12, example=5)
    c.input("x", "float32", (batch, sequence, 16))
    c.contraction = 64
    c.weights = SMALL

    @c.model
    def build() -> torch.nn.Module:
        from torch import nn

        class Encoder(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, activation="gelu", batch_first=True, norm_first=True)
                self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

            def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
                hidden = self.layers(x)
                return hidden, hidden.mean(1)

        return Encoder()


@case(source="SPEC NUM-5, DYN-8", profile="full")
def decoder_with_cache(c: Case) -> None:
    """A decoder block of a language model: RMS norm, rotary positions, two heads of keys for four of queries, a growing cache, SwiGLU."""
    past = c.dim("past", min=2, max=16, example=5)
    c.input("token", "float32", (1, 1, 16))
    c.input("keys", "float32", (1, 2, past, 4))
    c.input("values", "float32", (1, 2, past, 4))
    c.contraction = 32
    c.weights = SMALL

    @c.model
    def build() -> torch.nn.Module:
        import torch
        from torch import nn

        class Block(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.before, self.between = nn.RMSNorm(16, eps=1e-5), nn.RMSNorm(16, eps=1e-5)
                self.query, self.key, self.value = nn.Linear(16, 16, bias=False), nn.Linear(16, 8, bias=False), nn.Linear(16, 8, bias=False)
                self.out = nn.Linear(16, 16, bias=False)
                self.gate, self.up, self.down = nn.Linear(16, 32, bias=False), nn.Linear(16, 32, bias=False), nn.Linear(32, 16, bias=False)

            def turned(self, x: torch.Tensor, place: int) -> torch.Tensor:
                angles = place * torch.exp2(-torch.arange(2.0))
                left, right = x.chunk(2, dim=-1)
                return torch.cat([left * angles.cos() - right * angles.sin(), right * angles.cos() + left * angles.sin()], dim=-1)

            def forward(self, token: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> tuple[torch.Tensor, ...]:
                normed, place = self.before(token), keys.shape[2]
                query = self.turned(self.query(normed).view(1, 1, 4, 4).transpose(1, 2), place)
                key = self.turned(self.key(normed).view(1, 1, 2, 4).transpose(1, 2), place)
                keys = torch.cat([keys, key], 2)
                values = torch.cat([values, self.value(normed).view(1, 1, 2, 4).transpose(1, 2)], 2)
                attended = nn.functional.scaled_dot_product_attention(query, keys, values, enable_gqa=True)
                hidden = token + self.out(attended.transpose(1, 2).reshape(1, 1, 16))
                normed = self.between(hidden)
                return hidden + self.down(nn.functional.silu(self.gate(normed)) * self.up(normed)), keys, values

        return Block()


@case(source="SPEC NUM-5, DYN-8", profile="full")
def unet(c: Case) -> None:
    """Down by strided convolutions, up by transposed ones, joined by what was there before; images of dynamic height."""
    height = c.dim("eighths", min=2, max=4, example=3)
    c.input("image", "float32", (1, 2, 8 * height, 16))
    c.contraction = 144
    c.weights = SMALL

    @c.model
    def build() -> torch.nn.Module:
        import torch
        from torch import nn

        class Net(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.top, self.down = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 8, 3, stride=2, padding=1)
                self.bottom, self.up = nn.Conv2d(8, 8, 3, padding=1), nn.ConvTranspose2d(8, 4, 2, stride=2)
                self.join, self.out = nn.Conv2d(8, 4, 3, padding=1), nn.Conv2d(4, 1, 1)

            def forward(self, image: torch.Tensor) -> torch.Tensor:
                top = torch.relu(self.top(image))
                bottom = torch.relu(self.bottom(torch.relu(self.down(top))))
                return self.out(torch.relu(self.join(torch.cat([top, self.up(bottom)], 1)))).sigmoid()

        return Net()


@case(source="SPEC NUM-5, DYN-8", profile="full")
def graph_convolution(c: Case) -> None:
    """Messages along a dynamic number of edges of a graph of a dynamic number of nodes, added up at their ends."""
    nodes, edges = c.dim("nodes", min=4, max=12, example=6), c.dim("edges", min=2, max=20, example=9)
    c.input("x", "float32", (nodes, 5))
    c.input("source", "int64", (edges,), ValueRange(0, 3, 0))
    c.input("target", "int64", (edges,), ValueRange(0, 3, 0))
    c.contraction = 100

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Convolution(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.weight = torch.nn.Linear(5, 4, bias=False)

            def forward(self, x: torch.Tensor, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
                messages = self.weight(x)[source]
                total = torch.zeros_like(x[:, :4]).index_add(0, target, messages)
                count = torch.zeros_like(x[:, 0]).index_add(0, target, torch.ones_like(messages[:, 0]))
                return torch.relu(total / count.clamp_min(1)[:, None])

        return Convolution()
