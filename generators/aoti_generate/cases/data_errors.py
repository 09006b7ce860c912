# SPDX-License-Identifier: Apache-2.0
"""Programs that refuse some values of the right shape: the program itself looks, no input check has to be on."""

from __future__ import annotations

import typing

from ..case import Case, case
from ..formula import ValueRange

if typing.TYPE_CHECKING:
    import torch


def _only(value: int) -> ValueRange:
    return ValueRange(value, value, 0)


@case(source="SPEC ERR-2; torch._inductor.config.assert_indirect_indexing")
def embedding_lookup(c: Case) -> None:
    """Rows of a table by number: every number outside the table is refused, also -1."""
    count = c.dim("count", min=2, max=32, example=8)
    c.input("rows", "int64", (count,), ValueRange(0, 15, 0))
    c.data_error("row_16_of_16", values={"rows": _only(16)})
    c.data_error("row_minus_1", values={"rows": _only(-1)})
    c.data_error("row_minus_17", values={"rows": _only(-17)})
    c.data_error("row_2_to_the_40", values={"rows": _only(2**40)})
    c.tasks(8)

    @c.model
    def build() -> torch.nn.Module:
        from torch import nn

        return nn.Embedding(16, 8)


@case(source="SPEC ERR-2; torch._inductor.config.assert_indirect_indexing", profile="full")
def gather_and_index(c: Case) -> None:
    """Elements of a table by gather and by index; an index from the end is none for gather."""
    c.input("x", "float32", (16, 8))
    c.input("at", "int64", (16, 4), ValueRange(0, 7, 0))
    c.input("rows", "int64", (5,), ValueRange(-16, 15, 0))
    c.data_error("gather_at_8_of_8", values={"at": _only(8)})
    c.data_error("gather_at_minus_1", values={"at": _only(-1)})
    c.data_error("index_16_of_16", values={"rows": _only(16)})
    c.data_error("index_minus_17", values={"rows": _only(-17)})

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Look(torch.nn.Module):
            def forward(self, x: torch.Tensor, at: torch.Tensor, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
                return torch.gather(x, 1, at), x[rows]

        return Look()


@case(source="SPEC ERR-2; torch.index_select")
def index_select(c: Case) -> None:
    """Rows by torch.index_select, which takes no index from the end."""
    c.input("x", "float32", (16, 8))
    c.input("rows", "int64", (5,), ValueRange(0, 15, 0))
    c.data_error("row_16_of_16", values={"rows": _only(16)})
    c.data_error("row_minus_1", values={"rows": _only(-1)})

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Select(torch.nn.Module):
            def forward(self, x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
                return torch.index_select(x, 0, rows)

        return Select()


@case(source="SPEC ERR-2; torch._inductor.config.assert_indirect_indexing", profile="full")
def put_and_scatter(c: Case) -> None:
    """Writes at places that are data: by index, by scatter, and by a scatter_add that PyTorch's own kernel does."""
    c.input("x", "float32", (8, 6))
    c.input("rows", "int64", (1,), ValueRange(-8, 7, 0))
    c.input("at", "int64", (1, 6), ValueRange(0, 7, 0))
    c.data_error("put_at_8_of_8", values={"rows": _only(8)})
    c.data_error("put_at_minus_9", values={"rows": _only(-9)})
    c.data_error("scatter_to_8_of_8", values={"at": _only(8)})
    c.data_error("scatter_to_minus_1", values={"at": _only(-1)})

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Write(torch.nn.Module):
            def forward(self, x: torch.Tensor, rows: torch.Tensor, at: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
                put = x.clone()
                put[rows] = 1.0
                return put, torch.zeros_like(x).scatter(0, at, x), torch.zeros_like(x).scatter_add(0, at, x)

        return Write()


@case(source="SPEC ERR-2; torch.div: integer division by zero")
def floor_division(c: Case) -> None:
    """Floor division and remainder of integers of both signs; a divisor of zero is refused."""
    count = c.dim("count", min=2, max=64, example=16)
    c.input("a", "int64", (count,), ValueRange(-100, 100, 0))
    c.input("b", "int64", (count,), ValueRange(1, 9, 0))
    c.call("negative_divisors", values={"b": ValueRange(-9, -1, 0)})
    c.data_error("by_zero", values={"b": _only(0)})

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Divide(torch.nn.Module):
            def forward(self, a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
                return torch.div(a, b, rounding_mode="floor"), a % b

        return Divide()


@case(source="SPEC ERR-2; torch.div: integer division by zero")
def truncating_division(c: Case) -> None:
    """Division of integers towards zero; a divisor of zero is refused, and does not end the process."""
    count = c.dim("count", min=2, max=64, example=16)
    c.input("a", "int64", (count,), ValueRange(-100, 100, 0))
    c.input("b", "int64", (count,), ValueRange(1, 9, 0))
    c.call("negative_divisors", values={"b": ValueRange(-9, -1, 0)})
    c.data_error("by_zero", values={"b": _only(0)})

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Divide(torch.nn.Module):
            def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
                return torch.div(a, b, rounding_mode="trunc")

        return Divide()


@case(source="SPEC ERR-2; torch._check")
def checked_number(c: Case) -> None:
    """A number that is data and was promised to lie in 2 to 8 by torch._check: rows before it."""
    c.input("x", "float32", (16, 4))
    c.input("rows", "int64", (), ValueRange(2, 8, 0))
    c.call("fewest", values={"rows": _only(2)})
    c.call("most", values={"rows": _only(8)})
    c.data_error("one", values={"rows": _only(1)}, by_host=True)
    c.data_error("nine", values={"rows": _only(9)}, by_host=True)
    c.tasks(4)

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Head(torch.nn.Module):
            def forward(self, x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
                count = rows.item()
                torch._check(count >= 2)
                torch._check(count <= 8)
                return x[:count] * 2

        return Head()


@case(source="SPEC ERR-2; torch._assert_async", profile="full")
def asserted_values(c: Case) -> None:
    """An assertion about values inside the program."""
    c.input("x", "float32", (4, 6), ValueRange(1, 63, 5))
    c.data_error("not_above_zero", values={"x": ValueRange(-63, 0, 5)})

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Asserted(torch.nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                torch._assert_async((x > 0).all(), "all must be above zero")
                return x * 2

        return Asserted()


@case(source="SPEC ERR-2; torch.linalg.cholesky", profile="full")
def cholesky(c: Case) -> None:
    """A kernel of PyTorch's own that refuses its data: what is no positive matrix has no factor."""
    c.input("x", "float64", (6, 6))
    c.input("shift", "float64", (), ValueRange(64, 64, 0))
    c.data_error("not_positive", values={"shift": _only(-64)})

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Factor(torch.nn.Module):
            def forward(self, x: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
                return torch.linalg.cholesky(x @ x.T + shift * torch.eye(6, dtype=x.dtype))

        return Factor()
