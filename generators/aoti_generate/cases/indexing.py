# SPDX-License-Identifier: Apache-2.0
"""Gather, scatter and everything else that takes places as values."""

from __future__ import annotations

import typing

from ..case import Case, case
from ..formula import ValueRange

if typing.TYPE_CHECKING:
    pass


def _matrix(c: Case, columns: int = 7, dtype: str = "float32") -> None:
    """2 to 12 rows, and below 2 of them no place is asked for."""
    rows = c.dim("rows", min=2, max=12, example=5)
    c.input("x", dtype, (rows, columns))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def index_fill_and_copy(c: Case) -> None:
    """Rows filled at places that are data, as many as a dynamic dim says; columns and the last row replaced."""
    _matrix(c)
    count = c.dim("count", min=2, max=9, example=3)
    c.input("down", "int64", (count,), ValueRange(0, 1, 0))
    c.forward(
        lambda torch, x, down: (
            x.index_fill(0, down, 0.5),
            x.index_copy(1, torch.tensor([6, 0, 3]), x[:, :3]),
            x.select_scatter(x[0] * 2, 0, -1),
        )
    )


@case(source="SPEC NUM-4, DYN-8", profile="full")
def embedding_bag(c: Case) -> None:
    """Sums, means and largest of bags of words of one length."""
    batch = c.dim("items", min=2, max=6, example=3)
    c.input("words", "int64", (batch, 4), ValueRange(0, 19, 0))
    c.input("table", "float32", (20, 6))
    c.contraction = 4
    c.forward(lambda torch, words, table: tuple(torch.nn.functional.embedding_bag(words, table, mode=mode) for mode in ("sum", "mean", "max")))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def gather(c: Case) -> None:
    """gather along both dimensions, of floats and of integers, and take."""
    _matrix(c)
    c.input("down", "int64", (3, 7), ValueRange(0, 1, 0))
    c.input("across", "int64", (2, 4), ValueRange(0, 6, 0))
    c.forward(lambda torch, x, down, across: (x.gather(0, down), x[:2].gather(1, across), torch.take(x, across), torch.gather(x.long(), 0, down)))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def scatter_add(c: Case) -> None:
    """scatter_add and index_add with places that occur several times, of floats and of integers."""
    _matrix(c)
    c.input("at", "int64", (12, 7), ValueRange(0, 1, 0))
    c.contraction = 13
    c.forward(
        lambda torch, x, at: (
            x.scatter_add(0, at[: x.shape[0]], x * 2),
            torch.zeros(2, 7, dtype=x.dtype).index_add(0, at[: x.shape[0], 0], x),
            x.long().scatter_add(0, at[: x.shape[0]], at[: x.shape[0]] + 1),
            x.index_add(1, at[:7, 1], x, alpha=0.5),
        )
    )


@case(source="SPEC NUM-4, DYN-8", profile="full", on_cuda=True)
def scatter_reduce(c: Case) -> None:
    """scatter_reduce by sum, product, mean, largest and smallest, with and without what was there."""
    _matrix(c)
    c.input("at", "int64", (12, 7), ValueRange(0, 1, 0))
    c.contraction = 13

    @c.forward
    def forward(torch, x, at):
        at = at[: x.shape[0]]
        with_self = [x.scatter_reduce(0, at, x + 1, reduce) for reduce in ("sum", "amax", "amin", "mean")]
        return *with_self, x.scatter_reduce(0, at, x, "sum", include_self=False), x.scatter_reduce(0, at, x, "amax", include_self=False)


@case(source="SPEC NUM-4, DYN-8", profile="full")
def advanced_indexing(c: Case) -> None:
    """Tensors as indices: one, two together, with a slice between, negative ones and a mask that selects nothing new."""
    rows = c.dim("rows", min=2, max=12, example=5)
    c.input("x", "float32", (rows, 4, 6))
    c.input("at", "int64", (3,), ValueRange(-2, 1, 0))
    c.forward(lambda torch, x, at: (x[at], x[:, at], x[at, at], x[at, :, at], x[at[:, None], at], x[..., -1], x[:, None, at % 2]))


@case(source="SPEC NUM-4, DYN-8", profile="full", on_cuda=True)
def index_put(c: Case) -> None:
    """Writing and adding by index, also to one place several times, and by a mask."""
    _matrix(c)
    c.input("at", "int64", (3,), ValueRange(0, 1, 0))
    c.contraction = 4

    @c.forward
    def forward(torch, x, at):
        first, last = x.clone(), x.clone()
        first[torch.tensor([1, 0])] = 2.5
        last[x > 0.5] = -1.0
        return first, last, x.index_put((at, at + 3), x[0, :3], accumulate=True), x.index_put((torch.tensor(1),), torch.tensor(4.0, dtype=x.dtype))


@case(source="SPEC NUM-4, EXP-3", profile="full")
def nonzero(c: Case) -> None:
    """Outputs whose size only the values tell: nonzero and masked_select."""
    _matrix(c)
    c.call("none", values={"x": ValueRange(-9, -1, 0)})
    c.call("all_of_them", values={"x": ValueRange(1, 9, 0)})
    c.forward(lambda torch, x: (torch.nonzero(x > 0), torch.masked_select(x, x > 0), x[x > 0] * 2, (x > 0).nonzero().shape[0] + x[0]))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def triangles(c: Case) -> None:
    """tril and triu with diagonals of every kind, the diagonal itself and a matrix made of it; both sizes dynamic."""
    rows, columns = c.dim("rows", min=4, max=6, example=5), c.dim("columns", min=4, max=6, example=6)
    c.input("x", "float32", (rows, columns))
    c.call("square", sizes={"rows": 6, "columns": 6})
    c.forward(
        lambda torch, x: (
            *(part(x, shift) for part in (torch.tril, torch.triu) for shift in (-1, 0, 2)),
            x[:3, :3].diagonal(),
            torch.diag(x[0]),
            torch.diag_embed(x, 1),
        )
    )


@case(source="SPEC NUM-4, DYN-8", profile="full")
def slices(c: Case) -> None:
    """Slices with steps, from the end, beyond the end and of nothing, along a dynamic dimension."""
    rows = c.dim("rows", min=4, max=12, example=5)
    c.input("x", "float32", (rows, 7))
    c.forward(
        lambda torch, x: (
            x[::2] * 3,
            x[-2:] * 2,
            x[1:100] * 2,
            x[:, 5:2] * 2,
            x[:-1, ::3] * 2,
            x.narrow(1, 2, 3) * 2,
            x.select(0, -1) * 2,
        )
    )


@case(source="SPEC NUM-4, DYN-8", profile="full")
def slice_scatter(c: Case) -> None:
    """Writing to slices, to a row and to the diagonal without touching the original."""
    rows = c.dim("rows", min=4, max=12, example=5)
    c.input("x", "float32", (rows, 7))
    c.input("y", "float32", (2, 7))
    c.forward(
        lambda torch, x, y: (
            torch.slice_scatter(x, y, 0, 1, 3),
            torch.slice_scatter(x, y[:, :1].t().expand(x.shape[0], 2), 1, 0, 6, 3),
            torch.select_scatter(x, y[0], 0, -1),
            torch.diagonal_scatter(x[:4, :4], y[0, :4]),
        )
    )


@case(source="SPEC NUM-4, DYN-8", profile="full")
def rolls_and_flips(c: Case) -> None:
    """roll by more and by less than the size, flip along each dimension and along both, rot90."""
    _matrix(c)
    c.forward(lambda torch, x: (x.roll(1, 0), x.roll((-3, 9), (0, 1)), x.roll(2), x.flip(0), x.flip(0, 1), torch.rot90(x), x.fliplr()))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def searchsorted(c: Case) -> None:
    """Places in a sorted row, on the left and on the right of equals."""
    rows = c.dim("rows", min=2, max=12, example=5)
    c.input("x", "float32", (rows, 3), ValueRange(-12, 12, 1))
    c.forward(
        lambda torch, x: (
            torch.searchsorted(torch.tensor([-4.0, -1.0, 0.0, 0.5, 3.0], dtype=x.dtype), x),
            torch.searchsorted(torch.tensor([-4.0, -1.0, 0.0, 0.5, 3.0], dtype=x.dtype), x, right=True),
            torch.bucketize(x, torch.tensor([-2.0, 1.0], dtype=x.dtype), out_int32=True),
        )
    )


@case(source="SPEC NUM-4, DYN-8", profile="full")
def masks(c: Case) -> None:
    """masked_fill, masked_scatter and where, with masks that broadcast."""
    _matrix(c)
    c.input("m", "bool", (7,))
    c.forward(
        lambda torch, x, m: (
            x.masked_fill(m, 0.5),
            x.masked_fill(x > x[0], torch.inf),
            torch.where(m, x, -x),
            torch.where(m[:, None] & m, 1, 0),
            x.masked_scatter(m, x.flip(0)),
        )
    )
