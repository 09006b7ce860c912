# SPDX-License-Identifier: Apache-2.0
"""Reductions, over static and dynamic dimensions: every size of a range, in every place where kernels are chosen by size."""

from __future__ import annotations

from ..case import Case, case
from ..formula import ValueRange

DISTINCT = ValueRange(-(2**18), 2**18, 17)  # no two of a few hundred are equal


def _matrix(c: Case, values: ValueRange | None = None, dtype: str = "float32", least: int = 2) -> None:
    """2 to 40 rows by 7: the longest sum has 280 terms."""
    rows = c.dim("rows", min=least, max=40, example=6)
    c.input("x", dtype, (rows, 7), values)
    c.contraction = 280


@case(source="SPEC NUM-4, DYN-8", profile="full", on_cuda=True)
def sums(c: Case) -> None:
    """Sums over the dynamic dimension, the static one, both, and with the dimension kept."""
    _matrix(c)
    c.forward(lambda torch, x: (x.sum(0), x.sum(1), x.sum(), x.sum(0, keepdim=True), x.sum((0, 1), keepdim=True), (x * x).sum(-1)))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def sums_of_a_batch_from_one(c: Case) -> None:
    """Sums over a batch that may be 1, where the reduced dimension is no loop."""
    batch = c.dim("batch", min=1, max=40, example=6)
    c.input("x", "float32", (batch, 7))
    c.contraction = 280
    c.forward(lambda torch, x: (x.sum(0), x.amax(0), x.mean(0), x.sum(), x.softmax(0)))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def moments(c: Case) -> None:
    """Mean, variance and standard deviation, with and without Bessel's correction."""
    _matrix(c)
    c.forward(lambda torch, x: (x.mean(0), x.var(0), x.var(1, correction=0), x.std(0), x.std(), *torch.var_mean(x, 0), x.var((0, 1), correction=2)))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def extremes(c: Case) -> None:
    """amax, amin, aminmax, and max and min with the places they were found at."""
    _matrix(c, DISTINCT)
    c.forward(lambda torch, x: (x.amax(0), x.amin(1), x.max(), *torch.aminmax(x, dim=0), *x.max(0), *x.min(1)))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def arg_extremes(c: Case) -> None:
    """argmax and argmin over each dimension and over all; no two elements are equal."""
    _matrix(c, DISTINCT)
    c.forward(lambda torch, x: (x.argmax(0), x.argmin(0), x.argmax(1), x.argmin(-1, keepdim=True), x.argmax(), x.argmin()))


@case(source="SPEC NUM-4", profile="full")
def arg_extremes_of_equals(c: Case) -> None:
    """argmax of rows whose largest element stands there several times: eager PyTorch gives the first on the CPU."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.repeats = "arg_extremes"  # what differs are the values
    c.input("x", "float32", (rows, 40), ValueRange(0, 2, 0))
    c.forward(lambda torch, x: (x.argmax(1), x.argmin(1)))


@case(source="SPEC NUM-1, NUM-4", profile="full")
def extremes_with_nan(c: Case) -> None:
    """NaN wins in max, min, amax and amin; the sums without NaN leave it out."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "float32", (rows, 19), ValueRange(-40, 40, 3))
    c.contraction = 180

    @c.forward
    def forward(torch, x):
        odd = torch.where(x > 4.5, torch.nan, x)
        return odd.amax(1), odd.amin(0), odd.max(), odd.nansum(1), odd.nanmean(1), odd.sum(1), odd.isnan().sum(0)


@case(source="SPEC NUM-4, DYN-8", profile="full")
def products(c: Case) -> None:
    """Products over each dimension, of floats near 1 and of small integers."""
    rows = c.dim("rows", min=2, max=12, example=6)
    c.input("x", "float32", (rows, 7), ValueRange(24, 40, 5))
    c.input("k", "int64", (rows, 7), ValueRange(-3, 3, 0))
    c.contraction = 84
    c.forward(lambda torch, x, k: (x.prod(0), x.prod(1), x.prod(), k.prod(0), k.prod(1)))


@case(source="SPEC NUM-4, DYN-8", profile="full", on_cuda=True)
def running_sums(c: Case) -> None:
    """cumsum and cumprod along the dynamic dimension and along the static one."""
    _matrix(c, ValueRange(24, 40, 5))
    c.forward(lambda torch, x: (x.cumsum(0), x.cumsum(1), x.cumprod(1), torch.logcumsumexp(x, 0), (x * 32).long().cumsum(0)))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def running_extremes(c: Case) -> None:
    """cummax and cummin with the places of the extremes."""
    _matrix(c, DISTINCT)
    c.forward(lambda torch, x: (*x.cummax(0), *x.cummin(1)))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def any_and_all(c: Case) -> None:
    """any, all and count_nonzero of bools, of integers and of floats."""
    _matrix(c, ValueRange(-1, 2, 0), "int64")
    c.forward(
        lambda torch, x: ((x > 1).any(0), (x > -1).all(1), x.any(), x.bool().all(), x.count_nonzero(0), x.float().count_nonzero(), (x == 0).sum(1))
    )


@case(source="SPEC NUM-4, DYN-8", profile="full")
def norms(c: Case) -> None:
    """Vector norms of order 0, 1, 2, 3, infinity, and the Frobenius norm."""
    _matrix(c)
    c.forward(
        lambda torch, x: (
            *(torch.linalg.vector_norm(x, order, dim=1) for order in (0, 1, 2, 3, torch.inf, -torch.inf)),
            torch.linalg.matrix_norm(x),
            x.norm(dim=0),
            torch.dist(x, x * 2),
        )
    )


@case(source="SPEC NUM-4, DYN-8", profile="full")
def log_sum_exp(c: Case) -> None:
    """logsumexp over each dimension, of numbers whose exponentials overflow float32."""
    _matrix(c, ValueRange(-3200, 3200, 4))
    c.forward(lambda torch, x: (x.logsumexp(0), x.logsumexp(1), x.logsumexp((0, 1)), x.logsumexp(0, keepdim=True)))


@case(source="SPEC NUM-3, NUM-4", profile="full")
def sums_of_bfloat16(c: Case) -> None:
    """Sums and means of bfloat16 over up to 2048 terms: they are kept in float32 in between."""
    rows = c.dim("rows", min=2, max=64, example=8)
    c.input("x", "bfloat16", (rows, 32), ValueRange(1, 63, 5))
    c.contraction = 1
    c.forward(lambda torch, x: (x.sum(0), x.sum(1), x.mean(0), x.sum(), x.float().sum(0)))


@case(source="SPEC NUM-3, NUM-4", profile="full")
def sums_of_integers(c: Case) -> None:
    """Sums of int8, uint8 and bool are int64 and do not wrap; the largest keeps its dtype."""
    rows = c.dim("rows", min=2, max=40, example=6)
    c.input("i", "int8", (rows, 17), ValueRange(-128, 127, 0))
    c.input("u", "uint8", (rows, 17), ValueRange(0, 255, 0))
    c.input("m", "bool", (rows, 17))
    c.forward(lambda torch, i, u, m: (i.sum(0), u.sum(1), m.sum(), i.amax(0), u.amax(1), i.sum(1, dtype=torch.int32), u.float().mean(0), u.cumsum(0)))


@case(source="SPEC NUM-4, NUM-6", profile="full")
def reductions_of_nothing(c: Case) -> None:
    """Sums, products, any and all over a dimension of no elements."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "float32", (rows, 0))
    c.forward(lambda torch, x: (x.sum(1), x.prod(1), (x > 0).any(1), (x > 0).all(1), x.sum(), x.mean(1), x.cumsum(1), torch.cat([x, x + 1], 1)))


@case(source="SPEC NUM-4", profile="full")
def histograms(c: Case) -> None:
    """Counting into bins: histc, bucketize and bincount with a least length."""
    rows = c.dim("rows", min=2, max=40, example=6)
    c.input("x", "float32", (rows,), ValueRange(-63, 63, 4))
    c.input("k", "int64", (rows,), ValueRange(0, 7, 0))
    c.forward(
        lambda torch, x, k: (
            torch.histc(x, bins=8, min=-4.0, max=4.0),
            torch.bucketize(x, torch.tensor([-2.0, -0.5, 0.0, 1.5])),
            torch.zeros(8, dtype=torch.int64).index_add(0, k, torch.ones_like(k)),
            torch.nn.functional.one_hot(k, 8).sum(0),
        )
    )


@case(source="SPEC NUM-4", profile="full")
def softmax_of_long_rows(c: Case) -> None:
    """Softmax, log-softmax and softmin over a dynamic dimension of up to 300."""
    columns = c.dim("columns", min=2, max=300, example=17)
    c.input("x", "float32", (2, columns), ValueRange(-640, 640, 5))
    c.contraction = 300
    c.forward(lambda torch, x: (x.softmax(1), x.log_softmax(1), torch.nn.functional.softmin(x, 1), x.softmax(0)))
