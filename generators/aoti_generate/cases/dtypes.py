# SPDX-License-Identifier: Apache-2.0
"""Every dtype that a package takes: the same few sentences of arithmetic in each."""

from __future__ import annotations

from ..case import Case, case
from ..formula import ValueRange


def _floats(c: Case, dtype: str) -> None:
    """Arithmetic, a function, a reduction, a product and a cast, in one floating dtype."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", dtype, (rows, 6))
    c.input("y", dtype, (rows, 6), ValueRange(8, 63, 5))
    c.contraction = 6
    c.forward(lambda torch, x, y: (x + y, x * y - x, x / y, y.sqrt(), x.sigmoid(), x.abs().amax(1), x.t() @ y, x.float(), x.to(torch.int32), x > y))


@case(source="SPEC NUM-3", profile="full", on_cuda=True)
def arithmetic_of_float64(c: Case) -> None:
    """float64."""
    _floats(c, "float64")


@case(source="SPEC NUM-3", profile="full", on_cuda=True)
def arithmetic_of_float16(c: Case) -> None:
    """float16."""
    _floats(c, "float16")


@case(source="SPEC NUM-3", profile="full", on_cuda=True)
def arithmetic_of_bfloat16(c: Case) -> None:
    """bfloat16."""
    _floats(c, "bfloat16")


def _integers(c: Case, dtype: str, low: int, high: int) -> None:
    """Arithmetic without overflow, comparison, selection, reduction and a cast, in one integer dtype."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", dtype, (rows, 6), ValueRange(low, high, 0))
    c.input("y", dtype, (rows, 6), ValueRange(1, 11, 0))
    c.forward(lambda torch, x, y: (x + y, x * y, x - 1, x // y, x > y, torch.where(x > y, x, y), x.sum(1), x.amax(0), x.float() / 2, x.cumsum(0)))


@case(source="SPEC NUM-3", profile="full", on_cuda=True)
def arithmetic_of_int64(c: Case) -> None:
    """int64, beyond what int32 holds."""
    _integers(c, "int64", 2**40, 2**40 + 2**30)


@case(source="SPEC NUM-3", profile="full", on_cuda=True)
def arithmetic_of_int16(c: Case) -> None:
    """int16."""
    _integers(c, "int16", -2000, 2000)


@case(source="SPEC NUM-3", profile="full", on_cuda=True)
def arithmetic_of_int8(c: Case) -> None:
    """int8."""
    _integers(c, "int8", -11, 11)


@case(source="SPEC NUM-3", profile="full", on_cuda=True)
def arithmetic_of_uint8(c: Case) -> None:
    """uint8."""
    _integers(c, "uint8", 1, 20)


@case(source="SPEC NUM-3", profile="full", on_cuda=True)
def logic_of_bools(c: Case) -> None:
    """bool: logic, selection, reductions, sums that count."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "bool", (rows, 6))
    c.input("y", "bool", (rows, 6))
    c.forward(
        lambda torch, x, y: (
            x & y,
            x | y,
            x ^ y,
            ~x,
            x.any(1),
            x.all(0),
            x.sum(0),
            torch.where(x, y, ~y),
            x * 2,
            x.float().mean(1),
            x == y,
            x.cumsum(1),
        )
    )


def _complex(c: Case, dtype: str) -> None:
    """Arithmetic, functions, parts, products and sums of complex numbers."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", dtype, (rows, 6))
    c.input("y", dtype, (rows, 6), ValueRange(8, 63, 5))
    c.contraction = 24
    c.forward(
        lambda torch, x, y: (
            x + y,
            x * y,
            x / y,
            x.abs(),
            y.angle(),
            x.real * 2,
            x.imag + 1,
            x.conj() * y,
            x.sum(0),
            x.t() @ y,
            y.exp(),
            torch.view_as_real(x) * 3,
        )
    )


@case(source="SPEC NUM-3", profile="full", on_cuda=True)
def arithmetic_of_complex64(c: Case) -> None:
    """complex64."""
    _complex(c, "complex64")


@case(source="SPEC NUM-3", profile="full", on_cuda=True)
def arithmetic_of_complex128(c: Case) -> None:
    """complex128."""
    _complex(c, "complex128")


@case(source="SPEC NUM-1, NUM-3", profile="full")
def complex_views(c: Case) -> None:
    """Conjugates, parts and transposes of complex numbers returned without computing: what is lazy in eager PyTorch."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "complex64", (rows, 6))
    c.forward(lambda torch, x: ((x * 2).conj(), (x + 1).real, (x - 1).imag, (x * 3).mH, torch.resolve_conj(x.conj()), (x * 1j).conj().imag))


@case(source="SPEC NUM-3", profile="full")
def complex_from_real(c: Case) -> None:
    """Complex numbers made of real ones: complex, polar, view_as_complex, promotion."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "float32", (rows, 4))
    c.input("y", "float32", (rows, 4))
    c.forward(
        lambda torch, x, y: (
            torch.complex(x, y),
            torch.polar(x.abs(), y),
            torch.view_as_complex(x.reshape(-1, 2, 2)) * 2,
            x * 1j,
            x.to(torch.complex64) + y,
        )
    )


@case(source="SPEC NUM-3", profile="full")
def casts(c: Case) -> None:
    """A float through every dtype and back; each step is exact."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "float32", (rows, 7), ValueRange(-100, 100, 0))

    @c.forward
    def forward(torch, x):
        names = "float64 float16 bfloat16 int64 int32 int16 int8"
        there = [x.to(getattr(torch, name)) for name in names.split()]
        return *there, *(value.to(x.dtype) for value in there), x.abs().to(torch.uint8), (x > 0).to(torch.int8), x.to(torch.int8).view(torch.uint8)


@case(source="SPEC NUM-3", profile="full")
def bits(c: Case) -> None:
    """The bits of floats as integers and back."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("i", "int32", (rows, 6), ValueRange(0x3F800000, 0x3F800000 + 2**20, 0))
    c.input("s", "int16", (rows, 6), ValueRange(0x3C00, 0x3FFF, 0))
    c.forward(
        lambda torch, i, s: (
            i.view(torch.float32),
            s.view(torch.float16),
            s.view(torch.bfloat16).float(),
            i.view(torch.float32).view(torch.int32) + 1,
        )
    )


@case(source="SPEC NUM-3", profile="full")
def mixed_precision(c: Case) -> None:
    """float32 in and out, bfloat16 in between, as autocast would have it."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "float32", (rows, 16), ValueRange(-8, 8, 3))
    c.input("w", "bfloat16", (16, 4), ValueRange(-8, 8, 3))
    c.contraction = 16
    # the sums are exact in bfloat16's range of whole steps, so that the reference, which has the same cast in it, is sharp
    c.forward(lambda torch, x, w: ((x.to(torch.bfloat16) @ w.to(torch.bfloat16)).to(x.dtype), x.to(torch.bfloat16).to(x.dtype) * 2))


@case(source="SPEC NUM-3", profile="full")
def float8(c: Case) -> None:
    """Floats through each of the 8-bit floats: rounded to even, below the smallest normal number, and beyond the largest."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "float32", (rows, 20), ValueRange(-2000, 2000, 10))
    c.call("up_to_500", values={"x": ValueRange(-2000, 2000, 2)})
    c.call("up_to_80000", values={"x": ValueRange(-80000, 80000, 0)})

    @c.forward
    def forward(torch, x):
        dtypes = [getattr(torch, "float8_" + name) for name in ("e4m3fn", "e5m2", "e4m3fnuz", "e5m2fnuz")]
        numbers = [x.clamp(-448, 448), x, x, x]  # what lies beyond the first's largest was NaN up to torch 2.11, and is that largest since
        small = x.clamp(-200, 200)
        rounded = [number.to(dtype).to(x.dtype) for number, dtype in zip(numbers, dtypes, strict=True)]
        return *rounded, *(small.to(dtype).view(torch.uint8) for dtype in dtypes)
