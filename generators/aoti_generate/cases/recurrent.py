# SPDX-License-Identifier: Apache-2.0
"""Recurrent layers: fallbacks to PyTorch's own kernels or unrolled, with dynamic batches."""

from __future__ import annotations

import typing

from ..case import Case, case

if typing.TYPE_CHECKING:
    import torch


def _recurrent(c: Case, make: typing.Callable[[typing.Any], torch.nn.Module]) -> None:
    """A layer over 6 steps of a dynamic batch; its outputs and its last state come out."""
    batch = c.dim("items", min=2, max=6, example=3)
    c.input("x", "float32", (batch, 6, 5))
    c.contraction = 60

    @c.model
    def build() -> torch.nn.Module:
        import torch

        return make(torch.nn)


@case(source="SPEC NUM-4, DYN-8", profile="full", on_cuda=True)
def lstm(c: Case) -> None:
    """An LSTM of two layers."""
    _recurrent(c, lambda nn: nn.LSTM(5, 4, num_layers=2, batch_first=True))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def gru(c: Case) -> None:
    """A GRU in both directions."""
    _recurrent(c, lambda nn: nn.GRU(5, 4, bidirectional=True, batch_first=True))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def elman(c: Case) -> None:
    """Plain recurrent layers with ReLU, two of them."""
    _recurrent(c, lambda nn: nn.RNN(5, 4, num_layers=2, nonlinearity="relu", batch_first=True))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def unrolled_cells(c: Case) -> None:
    """An LSTM cell and a GRU cell in a Python loop of 4 steps, which export unrolls."""
    batch = c.dim("items", min=2, max=6, example=3)
    c.input("x", "float32", (batch, 4, 5))
    c.contraction = 40

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Cells(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.first = torch.nn.LSTMCell(5, 4)
                self.second = torch.nn.GRUCell(4, 3)

            def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
                hidden = cell = x.new_zeros(x.shape[0], 4)
                state = x.new_zeros(x.shape[0], 3)
                for step in range(4):
                    hidden, cell = self.first(x[:, step], (hidden, cell))
                    state = self.second(hidden, state)
                return hidden, cell, state

        return Cells()
