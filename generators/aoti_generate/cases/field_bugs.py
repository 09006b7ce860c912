# SPDX-License-Identifier: Apache-2.0
"""Defects that users have reported, one program each, with the call that shows it where it is there; conformance/field_bugs.json names them."""

from __future__ import annotations

import typing

from ..case import Case, case
from ..formula import ValueRange

if typing.TYPE_CHECKING:
    import torch


def _function(function: typing.Callable[..., typing.Any]) -> torch.nn.Module:
    """A module without weights that does what `function` does."""
    import inspect

    import torch

    class Function(torch.nn.Module):
        def forward(self, *inputs: torch.Tensor) -> typing.Any:
            return function(*inputs)

    names = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("self", *inspect.signature(function).parameters)]
    Function.forward.__signature__ = inspect.Signature(names)  # type: ignore[attr-defined]
    return Function()


@case(source="https://github.com/pytorch/pytorch/issues/197895")
def float_floor_division(c: Case) -> None:
    """Floor division of floats: quotients just below a whole number must not be rounded up to it."""
    c.input("a", "float32", (64,))
    c.input("b", "float32", (64,), ValueRange(1, 8, 0))
    one_tenth = ValueRange(13421773, 13421773, 27)  # the float32 nearest to 0.1 lies above it
    c.call("just_below_whole_numbers", values={"a": ValueRange(1, 64, 0), "b": one_tenth})
    c.model(lambda: _function(lambda a, b: a // b))


@case(source="https://github.com/pytorch/pytorch/issues/191499")
def smallest_and_largest_byte(c: Case) -> None:
    """The smallest of unsigned and the largest of signed bytes, more of them than a vector register is read in one go."""
    c.input("unsigned", "uint8", (20,), ValueRange(0, 1, 0))
    c.input("signed", "int8", (20,))
    c.call("none_is_zero", values={"unsigned": ValueRange(1, 200, 0)})
    c.call("all_are_negative", values={"signed": ValueRange(-100, -1, 0)})
    c.model(lambda: _function(lambda unsigned, signed: (unsigned.min(), signed.max())))


@case(source="torch.add and torch.mul documentation: a new tensor; SPEC NUM-1")
def arithmetic_without_effect(c: Case) -> None:
    """Adding zero and multiplying by one give new tensors, not the caller's."""
    c.input("x", "float32", (4, 4))
    c.input("y", "float32", (4, 4))
    c.model(lambda: _function(lambda x, y: (x + 0, y * 1)))


@case(source="SPEC THR-6; torch.add documentation: a new tensor")
def value_before_an_update(c: Case) -> None:
    """A part of a running total as it was before the call, taken with + 0, and the total as it is after it."""
    c.input("x", "float32", (8,))
    c.steps(3)

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Running(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.register_buffer("total", torch.zeros(8))

            def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
                before = self.total[2:6] + 0
                self.total.add_(x)
                return before, self.total * 2

        return Running()


@case(source="https://github.com/pytorch/pytorch/issues/197089")
def spread_of_huge_numbers(c: Case) -> None:
    """The standard deviation of numbers whose squares are beyond float32."""
    c.input("x", "float32", (4, 64))
    c.input("scale", "float32", (1,), ValueRange(1, 1, 0))
    c.contraction = 64
    c.call("squares_beyond_float32", values={"x": ValueRange(-(2**30), 2**30 - 1, 0), "scale": ValueRange(2**62, 2**62, 0)})

    @c.model
    def build() -> torch.nn.Module:
        import torch

        return _function(lambda x, scale: torch.std(x * scale, -1))


@case(source="https://github.com/pytorch/pytorch/issues/126848", profile="full")
def denormal_results(c: Case) -> None:
    """Products below the smallest normal float32."""
    c.input("x", "float32", (20,), ValueRange(1, 63, 5))
    c.model(lambda: _function(lambda x: x * 2.0**-127))


@case(source="https://github.com/pytorch/pytorch/issues/161763", profile="full")
def negated_unsigned_bytes(c: Case) -> None:
    """What is negated as unsigned bytes wraps before it becomes a float or is compared."""
    c.input("bytes", "uint8", (20,), ValueRange(0, 255, 0))
    c.input("x", "float32", (20,))
    c.model(lambda: _function(lambda bytes, x: (-bytes + x, -bytes < bytes)))


@case(source="https://github.com/pytorch/pytorch/issues/108520", profile="full")
def int32_sum_that_is_widened(c: Case) -> None:
    """A sum wraps in int32 also where its next use is in int64."""
    c.input("x", "int32", (20,))
    c.call("beyond_int32", values={"x": ValueRange(2**31 - 100, 2**31 - 1, 0)})

    @c.model
    def build() -> torch.nn.Module:
        import torch

        return _function(lambda x: (x + x).to(torch.int64))


@case(source="https://github.com/pytorch/pytorch/issues/143555", profile="full")
def shifts_by_the_width(c: Case) -> None:
    """Shifting an integer by its number of bits, or by more, leaves none of it."""
    c.input("x", "int64", (20,), ValueRange(-1000, 1000, 0))
    c.input("by", "int64", (20,), ValueRange(0, 20, 0))
    c.call("all_bits", values={"by": ValueRange(64, 70, 0)})
    c.model(lambda: _function(lambda x, by: (x << by, x >> by)))


@case(source="https://github.com/pytorch/pytorch/issues/178964", profile="full")
def largest_of_a_transposed_sum(c: Case) -> None:
    """Where the largest element of a row lies, in a sum of a transposed and a row-major tensor."""
    c.input("a", "float32", (8, 8), ValueRange(-(2**20), 2**20, 5))
    c.input("b", "float32", (8, 8))
    c.model(lambda: _function(lambda a, b: tuple((a.t() + b).max(dim=1))))


@case(source="https://github.com/pytorch/pytorch/issues/159154", profile="full")
def normalised_exponentials(c: Case) -> None:
    """Exponentials divided by their sum per row, as three products in index notation."""
    c.input("x", "float32", (5, 1, 32, 32))
    c.input("scale", "float32", (5,))
    c.contraction = 1024

    @c.model
    def build() -> torch.nn.Module:
        import torch

        def normalised(x: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
            raised = torch.exp(-torch.einsum("i...,i->i...", x, scale))
            return torch.einsum("i,i...->i...", 1 / torch.einsum("i...->i", raised), raised)

        return _function(normalised)


@case(source="https://github.com/pytorch/pytorch/issues/153896", profile="full")
def two_dims_of_one_size(c: Case) -> None:
    """Two Dims whose examples are of the same size and whose other sizes are not."""
    rows = c.dim("rows", min=2, max=16, example=4)
    columns = c.dim("columns", min=2, max=24, example=4)
    c.input("x", "float32", (rows, 3))
    c.input("y", "float32", (columns, 3))
    c.contraction = 3
    c.model(lambda: _function(lambda x, y: (x @ y.t(), x.sum(0) + y.sum(0))))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def mean_shared_by_threads(c: Case) -> None:
    """A mean of so many numbers that threads share the work, however many there are where it runs."""
    c.input("x", "float32", (8192,))
    c.contraction = 8192
    c.forward(lambda torch, x: x.square().mean())
