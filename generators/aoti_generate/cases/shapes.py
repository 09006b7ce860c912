# SPDX-License-Identifier: Apache-2.0
"""The dynamic shapes that the documents show: long ranges, derived Dims, batch x sequence with a static hidden size."""

from __future__ import annotations

import typing

from ..case import Case, case

if typing.TYPE_CHECKING:
    import torch

_HIDDEN = 32  # 4096 and 8192 in the documents; what is promised of the dynamic dims does not depend on it


def _linear(features: int) -> torch.nn.Module:
    from torch import nn

    return nn.Sequential(nn.Linear(features, features), nn.ReLU())


@case(source="S3 Compile and Save")
def long_batch(c: Case) -> None:
    """An (8, 10) input whose batch may be 1 to 1024."""
    batch = c.dim("batch", min=1, max=1024, example=8)
    c.input("x", "float32", (batch, 10))
    c.contraction = 10
    c.model(lambda: _linear(10))


@case(source="S3 Compile and Save", device="cuda", twin_of="long_batch")
def long_batch_by_tensorrt(c: Case) -> None:
    """The same program with what TensorRT takes of it as an engine, made by Torch-TensorRT."""
    batch = c.dim("batch", min=1, max=1024, example=8)
    c.input("x", "float32", (batch, 10))
    c.contraction = 10
    c.tensorrt = True
    c.model(lambda: _linear(10))


@case(source="S2 exercise 1")
def batch_and_sequence(c: Case) -> None:
    """Batch 1 to 64 by sequence 1 to 2048, the hidden size static."""
    batch = c.dim("batch", min=1, max=64, example=2)
    sequence = c.dim("sequence", min=1, max=2048, example=16)
    c.input("x", "float32", (batch, sequence, _HIDDEN))
    c.contraction = _HIDDEN
    c.violation("hidden_31", input="x", dim=2, size=_HIDDEN - 1)
    c.model(lambda: _linear(_HIDDEN))


@case(source="S2 exercise 1")
def batch_and_sequence_4096(c: Case) -> None:
    """The same with the hidden size that the document names: 64 MiB of weights, tensors of 64 MiB."""
    batch = c.dim("batch", min=1, max=64, example=2)
    sequence = c.dim("sequence", min=1, max=2048, example=16)
    c.input("x", "float32", (batch, sequence, 4096))
    c.contraction = 4096
    c.profile = "named"
    c.repeats = "batch_and_sequence"
    c.model(lambda: _linear(4096))


@case(source="S2 exercise 4")
def prefill(c: Case) -> None:
    """The prefill shape: batch 1 to 32 by sequence 1 to 2048; a batch of 64 must be refused."""
    batch = c.dim("batch", min=1, max=32, example=2, beyond=(64,))
    sequence = c.dim("sequence", min=1, max=2048, example=16)
    c.input("x", "float32", (batch, sequence, _HIDDEN))
    c.repeats = "batch_and_sequence"
    c.contraction = _HIDDEN
    c.call("largest", sizes={"batch": 32, "sequence": 2048})
    c.model(lambda: _linear(_HIDDEN))


@case(source="SPEC EXP-1")
def derived_plus_one(c: Case) -> None:
    """A second input that is one row longer than the first."""
    rows = c.dim("rows", min=2, max=16, example=5)
    c.input("x", "float32", (rows, 3))
    c.input("y", "float32", (rows + 1, 3))
    c.violation("second_as_long_as_the_first", input="y", dim=0, size=5)

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Shifted(torch.nn.Module):
            def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
                return x + y[1:]

        return Shifted()


@case(source="SPEC EXP-1", profile="full")
def derived_twice(c: Case) -> None:
    """A second input twice as long as the first."""
    rows = c.dim("rows", min=2, max=16, example=5)
    c.input("x", "float32", (rows, 3))
    c.input("y", "float32", (2 * rows, 3))
    c.violation("second_of_odd_length", input="y", dim=0, size=9)

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Pairs(torch.nn.Module):
            def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
                return x + y.reshape(-1, 2, 3).sum(1)

        return Pairs()
