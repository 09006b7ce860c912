# SPDX-License-Identifier: Apache-2.0
"""Programs with a user's own Triton kernels: twins of programs in plain torch, whose goldens they have.

Where there is no device, while a reference is computed, they are those programs; exported for CUDA, the operators of triton_kernels.py.
"""

from __future__ import annotations

from ..case import Case, case
from ..placement import cuda


@case(source="S1: user-defined Triton kernels; SPEC OPS-2", device="cuda", twin_of="where")
def where_by_triton(c: Case) -> None:
    """A kernel over a size that is known only when it runs: what lies beyond the end is masked."""
    rows = c.dim("rows", min=2, max=32, example=4)
    c.input("x", "float32", (rows, 8))
    c.representative = True

    @c.forward
    def forward(torch, x):
        if cuda() == "cpu":
            return torch.where(x > 0, x * 2, x)
        from ..triton_kernels import doubled_above_zero

        return doubled_above_zero(x)


@case(source="S1: user-defined Triton kernels; SPEC OPS-2", device="cuda", twin_of="shared_dim")
def shared_dim_by_triton(c: Case) -> None:
    """A kernel whose block size is chosen by measuring, and one that does what a constant tells it."""
    rows = c.dim("rows", min=2, max=16, example=4)
    c.input("x", "float32", (rows, 3))
    c.input("y", "float32", (rows, 3))
    c.violation("second_of_1_row", input="y", dim=0, size=1)
    c.violation("second_of_5_rows", input="y", dim=0, size=5)

    @c.forward
    def forward(torch, x, y):
        if cuda() == "cpu":
            return x + y, x * y
        from ..triton_kernels import product, sum

        return sum(x, y), product(x, y)


@case(source="S1: user-defined Triton kernels; SPEC OPS-2", device="cuda", twin_of="sin_mm_cos")
def sin_mm_cos_by_triton(c: Case) -> None:
    """Two launches of one kernel, with a product of the library between them."""
    c.input("x", "float32", (64, 64))
    c.input("y", "float32", (64, 64))
    c.contraction = 64 * 8
    c.tasks(4)

    @c.forward
    def forward(torch, x, y):
        if cuda() == "cpu":
            return torch.cos(torch.mm(torch.sin(x), y))
        from ..triton_kernels import sine

        return sine(torch.mm(sine(x, False), y), True)


@case(source="S2 8, exercise 5: 200 small kernels", device="cuda", twin_of="where", profile="named")
def small_kernels(c: Case) -> None:
    """200 launches of a kernel that nothing can be fused with: what they cost is what a CUDA graph may save."""
    rows = c.dim("rows", min=2, max=32, example=4)
    c.input("x", "float32", (rows, 8))

    @c.forward
    def forward(torch, x):
        y = torch.where(x > 0, x * 2, x)
        if cuda() == "cpu":
            return y
        from ..triton_kernels import scaled

        for _ in range(100):
            y = scaled(scaled(y, True), False)
        return y
