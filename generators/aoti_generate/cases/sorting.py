# SPDX-License-Identifier: Apache-2.0
"""Sorting, topk and the like. No two elements are equal, or equal ones keep their order: there is one right answer."""

from __future__ import annotations

from ..case import Case, case
from ..formula import ValueRange

DISTINCT = ValueRange(-(2**18), 2**18, 17)  # no two of a few hundred are equal


@case(source="SPEC NUM-4, DYN-8", profile="full", on_cuda=True)
def sort(c: Case) -> None:
    """Values and places along the dynamic dimension and along the static one, both ways."""
    rows = c.dim("rows", min=2, max=20, example=5)
    c.input("x", "float32", (rows, 7), DISTINCT)
    c.forward(lambda torch, x: (*x.sort(0), *x.sort(1, descending=True), x.argsort(0), torch.msort(x)))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def sort_from_one(c: Case) -> None:
    """Sorting a batch that may be 1 along itself."""
    batch = c.dim("batch", min=1, max=20, example=5)
    c.input("x", "float32", (batch,), DISTINCT)
    c.forward(lambda torch, x: (*x.sort(), x.argsort(descending=True), *x.topk(1)))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def stable_sort(c: Case) -> None:
    """A stable sort of integers of which many are equal."""
    rows = c.dim("rows", min=2, max=40, example=5)
    c.input("x", "int32", (rows, 3), ValueRange(0, 4, 0))
    c.forward(lambda torch, x: (*x.sort(dim=0, stable=True), *x.sort(dim=0, stable=True, descending=True), x.bool().sort(dim=0, stable=True)[1]))


@case(source="SPEC NUM-1, NUM-4", profile="full")
def sort_with_nan(c: Case) -> None:
    """NaN is sorted as the largest; infinities in between."""
    rows = c.dim("rows", min=2, max=20, example=5)
    c.input("x", "float32", (rows, 9), ValueRange(-(2**18), 2**18, 16))

    @c.forward
    def forward(torch, x):
        odd = torch.where(x > 3, torch.nan, torch.where(x < -3.5, -torch.inf, x))
        return odd.sort(1)[0], odd.sort(1, descending=True)[0], odd.topk(4)[0]


@case(source="SPEC NUM-4, DYN-8")
def topk(c: Case) -> None:
    """The largest three and the smallest two, along each dimension."""
    rows = c.dim("rows", min=3, max=20, example=5)
    c.input("x", "float32", (rows, 7), DISTINCT)
    c.forward(lambda torch, x: (*x.topk(3), *x.topk(2, dim=0, largest=False), *x.topk(7)))


@case(source="SPEC NUM-3, NUM-4", profile="full")
def topk_of_integers(c: Case) -> None:
    """topk of int64 and of bfloat16; no two are equal."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "int64", (rows, 30), ValueRange(-(2**30), 2**30 - 1, 0))
    c.input("b", "bfloat16", (rows, 3), ValueRange(0, 9, 0))
    c.forward(lambda torch, x, b: (*x.topk(5), *x.sort(1), (b + torch.tensor([0, 16, 32], dtype=b.dtype)).topk(2)[1]))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def medians(c: Case) -> None:
    """Median, k-th value, mode and quantiles."""
    rows = c.dim("rows", min=3, max=20, example=5)
    c.input("x", "float32", (rows, 7), DISTINCT)
    c.input("k", "int64", (rows, 9), ValueRange(0, 1, 0))
    c.forward(
        lambda torch, x, k: (
            *x.median(1),
            *x.median(0),
            x.median(),
            *x.kthvalue(3, dim=0),
            k.mode(1)[0],
            x.quantile(0.25, dim=1),
            x.nanmedian(),
            x.nanquantile(0.5),
        )
    )


@case(source="SPEC NUM-4, EXP-3", profile="full")
def unique(c: Case) -> None:
    """Outputs whose size only the values tell: unique with counts."""
    rows = c.dim("rows", min=2, max=20, example=5)
    c.input("x", "int64", (rows,), ValueRange(0, 4, 0))
    c.call("one_value", values={"x": ValueRange(3, 3, 0)})
    c.forward(lambda torch, x: torch.unique(x, return_inverse=True, return_counts=True))
