# SPDX-License-Identifier: Apache-2.0
"""Data-dependent branches that do export: torch.cond."""

from __future__ import annotations

import typing

from ..case import Case, case
from ..formula import ValueRange

if typing.TYPE_CHECKING:
    import torch


@case(source="S4 work-arounds")
def cond(c: Case) -> None:
    """torch.cond on the sign of a sum: both branches are taken, by values alone."""
    c.input("x", "float32", (8, 16), ValueRange(1, 64, 5))
    c.contraction = 16
    c.call("sum_above_zero", values={"x": ValueRange(1, 64, 5)})
    c.call("sum_below_zero", values={"x": ValueRange(-64, -1, 5)})

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Branches(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.up = torch.nn.Linear(16, 16)
                self.down = torch.nn.Linear(16, 16)

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return torch.cond(x.sum() > 0, lambda t: self.up(t).relu(), lambda t: self.down(t) - 1.0, (x,))

        return Branches()


@case(source="SPEC EXP-3", profile="full")
def cond_nested(c: Case) -> None:
    """A cond in each branch of a cond: four ways, each taken by values alone."""
    c.input("x", "float32", (4, 8), ValueRange(1, 64, 5))
    c.input("y", "float32", (4, 8), ValueRange(1, 64, 5))
    c.contraction = 32
    above, below = ValueRange(1, 64, 5), ValueRange(-64, -1, 5)
    for name, x, y in (("both_above", above, above), ("first_above", above, below), ("second_above", below, above), ("none_above", below, below)):
        c.call(name, values={"x": x, "y": y})

    @c.forward
    def forward(torch, x, y):
        def inner(ways):
            return lambda x, y: torch.cond(y.sum() > 0, ways[0], ways[1], (x, y))

        return torch.cond(
            x.sum() > 0, inner((lambda x, y: x + y, lambda x, y: x * y)), inner((lambda x, y: x - y, lambda x, y: (x / y).sin())), (x, y)
        )


@case(source="SPEC EXP-3, DYN-8", profile="full")
def cond_of_dynamic_rows(c: Case) -> None:
    """A cond on values inside a dynamic range, with several outputs of several dtypes."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "float32", (rows, 5))
    c.contraction = 45
    c.call("above", values={"x": ValueRange(1, 64, 5)})
    c.call("below", values={"x": ValueRange(-64, -1, 5)})
    c.forward(
        lambda torch, x: torch.cond(x.sum() > 0, lambda x: (x * 2, x.sum(0), x > 0), lambda x: (x - 1, x.amax(0), x < -1), (x,)),
    )


@case(source="SPEC EXP-3, DYN-8", profile="full")
def cond_on_a_size(c: Case) -> None:
    """A cond on the size of a dynamic dimension: the two branches are kept apart, no size is decided at export."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "float32", (rows, 5))
    c.forward(lambda torch, x: torch.cond(x.shape[0] > 5, lambda x: x.sin() + 1, lambda x: x.cos() - 1, (x,)))


@case(source="SPEC EXP-3", profile="full")
def cond_on_an_input(c: Case) -> None:
    """A cond on a bool that is an input, over weights that both branches use."""
    c.input("flag", "bool", ())
    c.input("x", "float32", (3, 6))
    c.contraction = 12
    c.call("yes", values={"flag": ValueRange(1, 1, 0)})
    c.call("no", values={"flag": ValueRange(0, 0, 0)})

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Shared(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.shared = torch.nn.Linear(6, 6)

            def forward(self, flag: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
                return torch.cond(flag, lambda x: self.shared(self.shared(x)), lambda x: self.shared(x).tanh(), (x,)) + x

        return Shared()


@case(source="SPEC EXP-3, DYN-8", profile="full")
def while_over_dynamic_rows(c: Case) -> None:
    """A while_loop that halves a dynamic number of rows until their largest is small: the values decide how often."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "float32", (rows, 5), ValueRange(33, 64, 5))
    c.call("no_turn", values={"x": ValueRange(1, 8, 5)})
    c.call("one_turn", values={"x": ValueRange(20, 31, 5)})

    @c.forward
    def forward(torch, x):
        from torch._higher_order_ops.while_loop import while_loop

        turns = torch.zeros((), dtype=torch.int64)
        return while_loop(lambda turns, x: x.amax() > 0.5, lambda turns, x: (turns + 1, x * 0.5), (turns, x + 0))


@case(source="SPEC EXP-3", profile="full")
def while_with_cond(c: Case) -> None:
    """A cond inside a while_loop: Collatz's numbers, with as many turns as they need."""
    c.input("number", "int64", (1,), ValueRange(6, 6, 0))
    c.call("no_turn", values={"number": ValueRange(1, 1, 0)})
    c.call("many_turns", values={"number": ValueRange(27, 27, 0)})

    @c.forward
    def forward(torch, number):
        from torch._higher_order_ops.while_loop import while_loop

        def turn(turns, number):
            return turns + 1, torch.cond((number % 2 == 0).all(), lambda n: n // 2, lambda n: 3 * n + 1, (number,))

        return while_loop(lambda turns, number: (number != 1).all(), turn, (torch.zeros(1, dtype=torch.int64), number + 0))


@case(source="SPEC EXP-3", profile="full")
def while_nested(c: Case) -> None:
    """A while_loop inside a while_loop: rows of a triangle."""
    c.input("rows", "int64", (), ValueRange(3, 3, 0))
    c.input("x", "float32", (4,))
    c.call("no_row", values={"rows": ValueRange(0, 0, 0)})
    c.call("five_rows", values={"rows": ValueRange(5, 5, 0)})
    c.contraction = 32

    @c.forward
    def forward(torch, rows, x):
        from torch._higher_order_ops.while_loop import while_loop

        def row(left, x):
            inside = while_loop(lambda left, x: left > 0, lambda left, x: (left - 1, x * 0.5 + 1), (left + 0, x + 0))
            return left - 1, inside[1]

        return while_loop(lambda left, x: left > 0, row, (rows + 0, x + 0))[1]


@case(source="SPEC EXP-3, DYN-8", profile="full")
def map_over_rows(c: Case) -> None:
    """map of a function over a dynamic number of rows."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "float32", (rows, 5))
    c.input("y", "float32", (5,))
    c.contraction = 5

    @c.forward
    def forward(torch, x, y):
        from functorch.experimental.control_flow import map

        return map(lambda row, y: row * y + row.sum(), x, y)


@case(source="SPEC EXP-3, DYN-8", profile="full", on_cuda=True)
def scan_over_rows(c: Case) -> None:
    """scan of a recurrence over a dynamic number of rows: the last state and all that came out."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("start", "float32", (5,))
    c.input("x", "float32", (rows, 5))
    c.contraction = 9

    @c.forward
    def forward(torch, start, x):
        from torch._higher_order_ops.scan import scan

        return scan(lambda state, row: (state * 0.5 + row, state + row), start, x, dim=0)
