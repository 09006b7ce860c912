# SPDX-License-Identifier: Apache-2.0
"""How values come in and go out: nested, None, returned untouched, constants, views of one another, many."""

from __future__ import annotations

import typing

from ..case import Case, case
from ..formula import ValueRange

if typing.TYPE_CHECKING:
    import torch


def _rows(c: Case, *names: str) -> None:
    """Inputs of 2 to 9 rows by 3."""
    rows = c.dim("rows", min=2, max=9, example=4)
    for name in names:
        c.input(name, "float32", (rows, 3))


@case(source="SPEC NUM-6")
def nested_inputs(c: Case) -> None:
    """Inputs in a dict of lists inside a tuple: a package takes them one after the other."""
    _rows(c, "alone", "left", "first", "second")
    c.nest(lambda alone, left, first, second: (alone, {"left": left, "right": [first, (second,)]}))

    @c.forward
    def forward(torch, alone, parts):
        first, (second,) = parts["right"]
        return alone - parts["left"], first * 2 + second


@case(source="SPEC NUM-6", profile="full", on_cuda=True)
def nested_outputs(c: Case) -> None:
    """A dict of lists and tuples comes out one after the other, in the order in which eager PyTorch lists them."""
    _rows(c, "x")
    c.forward(lambda torch, x: {"z": x + 1, "a": [x * 2, (x.sum(1), {"deep": x > 0})], "m": (x - 1,)})


@case(source="SPEC NUM-6", profile="full")
def none_outputs(c: Case) -> None:
    """None between tensors."""
    _rows(c, "x")
    c.forward(lambda torch, x: (None, x + 1, None, [x.sum(1), None]))


@case(source="SPEC NUM-6", profile="full")
def returned_inputs(c: Case) -> None:
    """Inputs that come out as they went in, one of them twice, beside something computed."""
    _rows(c, "x", "y")
    c.forward(lambda torch, x, y: (x, x + y, y, x))


@case(source="SPEC NUM-6", profile="full")
def only_returned_inputs(c: Case) -> None:
    """A program that computes nothing."""
    _rows(c, "x", "y")
    c.forward(lambda torch, x, y: (y, x))


@case(source="SPEC NUM-6", profile="full")
def views_of_inputs(c: Case) -> None:
    """Views of an input: a transpose, a slice, a reshape, an expansion."""
    rows = c.dim("rows", min=3, max=9, example=4)
    c.input("x", "float32", (rows, 3))
    c.forward(lambda torch, x: (x.t(), x[1:], x.reshape(-1), x[:, None].expand(-1, 2, -1), x[0]))


@case(source="SPEC NUM-6", profile="full")
def views_of_one_output(c: Case) -> None:
    """Several views of one computed tensor, and the tensor itself twice."""
    _rows(c, "x")

    @c.forward
    def forward(torch, x):
        y = x * 2
        return y, y.t(), y[:, 1], y, y.reshape(-1)


@case(source="SPEC NUM-6", profile="full")
def returned_constants(c: Case) -> None:
    """A parameter, a buffer, a view of a parameter and a constant of the program come out: they outlive the loader."""
    _rows(c, "x")

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Constants(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.weight = torch.nn.Parameter(torch.empty(4, 3))
                self.register_buffer("numbers", torch.arange(5))
                self.register_buffer("table", torch.empty(2, 2))

            def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
                return x + self.weight[0], self.weight, self.numbers, self.weight.t(), self.table, torch.tensor([1, 2, 3])

        return Constants()


@case(source="SPEC NUM-6", profile="full")
def constants_alone(c: Case) -> None:
    """Outputs that no input has a part in."""
    _rows(c, "x")
    c.forward(lambda torch, x: (torch.ones(3, 2), torch.arange(4), torch.zeros(2, dtype=torch.bool), torch.full((2,), 2.5) + 1, torch.eye(3)))


@case(source="SPEC NUM-6", profile="full")
def unused_input(c: Case) -> None:
    """An input that nothing is made of, between two that are used."""
    _rows(c, "x", "unused", "y")
    c.forward(lambda torch, x, unused, y: x * y + 1)


@case(source="SPEC NUM-6", profile="full")
def no_elements(c: Case) -> None:
    """Inputs of no elements, beside one that has some; outputs of none."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("empty", "float32", (0,))
    c.input("hollow", "int64", (rows, 0, 3))
    c.input("x", "float32", (rows, 3))
    c.forward(lambda torch, empty, hollow, x: (empty * 2, hollow + 1, torch.cat([x.flatten(), empty]), x[:, :0], hollow.sum(1), empty.sum()))


@case(source="SPEC NUM-6", profile="full")
def no_dimensions(c: Case) -> None:
    """Scalars of four dtypes in and out, one of them the index of a row."""
    c.input("x", "float32", ())
    c.input("k", "int64", (), ValueRange(0, 4, 0))
    c.input("m", "bool", ())
    c.input("d", "float64", ())
    c.forward(lambda torch, x, k, m, d: (x + d, k * 2, ~m, torch.where(m, x, -x), torch.arange(5)[k], torch.stack([x, x]).sum()))


@case(source="SPEC NUM-6", profile="full")
def eight_dimensions(c: Case) -> None:
    """A tensor of eight dimensions, reduced and permuted."""
    rows = c.dim("rows", min=2, max=4, example=3)
    c.input("x", "float32", (rows, 1, 2, 1, 3, 2, 1, 2))
    c.contraction = 12
    c.forward(lambda torch, x: (x.sum((2, 4)), x.permute(7, 6, 5, 4, 3, 2, 1, 0) * 2, x.squeeze() + 1))


@case(source="SPEC NUM-6", profile="full", on_cuda=True)
def same_value_twice(c: Case) -> None:
    """One computed tensor under two names, and two tensors that happen to be equal."""
    _rows(c, "x")
    c.after("after_a_sum", input="x", case="shared_dim")

    @c.forward
    def forward(torch, x):
        y = x.exp()
        return {"first": y, "second": y, "computed_again": x.exp(), "cloned": y.clone(), "detached": y.detach()}
