# SPDX-License-Identifier: Apache-2.0
"""What moves data without computing: concatenation, splitting, permuting, repeating, all with dynamic sizes."""

from __future__ import annotations

from ..case import Case, case
from ..formula import ValueRange


@case(source="SPEC NUM-4, DYN-8")
def cat_of_two_dims(c: Case) -> None:
    """Two tensors of two dynamic lengths, one after the other, also with a static one and with an empty one."""
    first, second = c.dim("first", min=1, max=9, example=4), c.dim("second", min=2, max=9, example=3)
    c.input("x", "float32", (first, 5))
    c.input("y", "float32", (second, 5))
    c.call("as_many", sizes={"first": 6, "second": 6})
    c.forward(lambda torch, x, y: (torch.cat([x, y]), torch.cat([y, x, x * 2]), torch.cat([x, x.new_zeros(0, 5), y + 1]), torch.cat([x, x], 1)))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def cat_of_dtypes(c: Case) -> None:
    """Concatenation that promotes: integers with floats, bools with integers."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "float32", (rows, 2))
    c.input("k", "int64", (rows, 3))
    c.input("m", "bool", (rows, 1))
    c.forward(lambda torch, x, k, m: (torch.cat([x, k], 1), torch.cat([k, m], 1), torch.cat([m, x, k], 1)))


@case(source="SPEC NUM-4, DYN-8", profile="full", on_cuda=True)
def splits(c: Case) -> None:
    """Splitting a static dimension into equal and unequal pieces, and a dynamic one in the middle."""
    pairs = c.dim("pairs", min=2, max=9, example=3)
    c.input("x", "float32", (2 * pairs, 7))
    c.forward(
        lambda torch, x: (
            *(piece * 2 for piece in x.split(3, dim=1)),
            *(piece + 1 for piece in x.split([1, 4, 2], dim=1)),
            *(piece * 3 for piece in x.chunk(2)),
            *(piece - 1 for piece in x.tensor_split(3, dim=1)),
            *(piece * 5 for piece in torch.split(x, [x.shape[0] // 2, x.shape[0] // 2])),
        )
    )


@case(source="SPEC NUM-4, DYN-8", profile="full")
def reshapes(c: Case) -> None:
    """reshape with an inferred size, flatten, unflatten, view and squeeze of a batch that may be 1."""
    batch = c.dim("batch", min=1, max=9, example=3)
    c.input("x", "float32", (batch, 4, 1, 6))
    c.forward(
        lambda torch, x: (
            x.reshape(-1) * 2,
            x.reshape(-1, 12) + 1,
            x.flatten(1) * 3,
            x.unflatten(-1, (2, 3)) - 1,
            x.squeeze(2) * 4,
            x.unsqueeze(0) + 2,
            x.view(x.shape[0] * 2, 12) * 5,
            x.transpose(0, 1).reshape(4, -1),
        )
    )


@case(source="SPEC NUM-4, DYN-8", profile="full")
def repetitions(c: Case) -> None:
    """expand, repeat, tile and repeat_interleave of dynamic sizes and to dynamic sizes."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "float32", (rows, 3))
    c.input("y", "float32", (1, 3))
    c.forward(
        lambda torch, x, y: (
            y.expand(x.shape[0], -1) + x,
            y.expand(x.shape[0], 3).contiguous(),
            x.repeat(2, 3),
            x.tile(1, 2),
            x.repeat_interleave(3, dim=0),
            x.repeat_interleave(2, dim=1),
            x[:, None].expand(-1, 4, -1).reshape(-1, 3),
        )
    )


@case(source="SPEC NUM-4, DYN-8", profile="full")
def grids(c: Case) -> None:
    """meshgrid, cartesian products and outer differences of two dynamic lengths."""
    rows, columns = c.dim("rows", min=2, max=9, example=4), c.dim("columns", min=2, max=9, example=3)
    c.input("x", "float32", (rows,))
    c.input("y", "float32", (columns,))

    @c.forward
    def forward(torch, x, y):
        down, across = torch.meshgrid(x, y, indexing="ij")
        return down * 2, across * 3, torch.cartesian_prod(x, y), x[:, None] - y, torch.outer(x, y)


@case(source="SPEC NUM-4, DYN-8", profile="full")
def windows(c: Case) -> None:
    """Overlapping windows of a dynamic length: unfold, and as_strided over the same memory."""
    length = c.dim("length", min=6, max=30, example=11)
    c.input("x", "float32", (length,))
    c.contraction = 4
    c.forward(lambda torch, x: (x.unfold(0, 4, 2) * 3, x.unfold(0, 3, 1).mean(1), x.diff(), torch.as_strided(x, (2, 3), (1, 2)) * 2))


@case(source="SPEC NUM-4, NUM-6, DYN-8", profile="full")
def zero_rows(c: Case) -> None:
    """A batch that may be empty: what is computed of no rows has no rows."""
    rows = c.dim("rows", min=0, max=9, example=4)
    c.input("x", "float32", (rows, 5))
    c.contraction = 45
    c.forward(lambda torch, x: (x * 2 + 1, x.sum(1), x.sum(0), torch.cat([x, x]), x @ x.new_ones(5, 3)))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def odd_lengths(c: Case) -> None:
    """Every length round a vector's: elementwise work whose last iterations are done one at a time."""
    length = c.dim("length", min=2, max=70, example=16)
    c.input("x", "float32", (length,))
    for size in (7, 8, 9, 15, 17, 31, 33, 63, 64, 65):
        c.call(f"length_{size}", sizes={"length": size})
    c.contraction = 70
    c.forward(lambda torch, x: (x * x + 1, x.exp().sum(), x.flip(0), x.double() * 2, (x > 0).long()))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def large_range(c: Case) -> None:
    """A dim of 2 to 1200 in a product, a reduction and a transpose: kernels that split their work over threads."""
    rows = c.dim("rows", min=2, max=1200, example=64)
    c.input("x", "float32", (rows, 3), ValueRange(-63, 63, 5))
    c.contraction = 1200
    c.forward(lambda torch, x: (x.t() @ x, x.sum(0), x.amax(1)))
