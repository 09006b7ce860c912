# SPDX-License-Identifier: Apache-2.0
"""Elementwise operators: what users write between two matrix products, and where integers and floats are easily got wrong."""

from __future__ import annotations

from ..case import Case, case
from ..formula import ValueRange

DISTINCT = ValueRange(-(2**18), 2**18, 17)  # -2 to 2 in steps of 2**-17: no two of a few hundred are equal, and none is a whole number


def _matrix(c: Case, values: ValueRange | None = None, dtype: str = "float32", names: tuple[str, ...] = ("x",)) -> None:
    """Inputs of 2 to 9 rows by 7 columns: no vector length divides them."""
    rows = c.dim("rows", min=2, max=9, example=4)
    for name in names:
        c.input(name, dtype, (rows, 7), values)


@case(source="SPEC NUM-4", profile="full")
def trigonometry(c: Case) -> None:
    """Sines, tangents, their inverses and the hyperbolic ones, an output each."""
    _matrix(c, ValueRange(-31, 31, 5))
    c.forward(lambda torch, x: (x.sin(), x.cos(), x.tan(), x.asin(), x.acos(), x.atan(), x.sinh(), x.cosh(), x.tanh(), x.asinh(), x.atanh()))


@case(source="SPEC NUM-4", profile="full")
def exponentials(c: Case) -> None:
    """Powers, exponentials and logarithms of positive numbers."""
    _matrix(c, ValueRange(1, 127, 5))
    c.forward(lambda torch, x: (x.exp(), x.exp2(), x.expm1(), x.log(), x.log2(), x.log10(), x.log1p(), x.sqrt(), x.rsqrt(), x**2.5, x.reciprocal()))


@case(source="SPEC NUM-4", profile="full", on_cuda=True)
def activations(c: Case) -> None:
    """The activation functions of torch.nn.functional, an output each."""
    _matrix(c, ValueRange(-127, 127, 4))
    names = "relu gelu silu mish elu selu celu leaky_relu hardswish hardsigmoid hardtanh softplus softsign logsigmoid relu6 tanhshrink softshrink"
    c.forward(lambda torch, x: tuple(getattr(torch.nn.functional, name)(x) for name in names.split()))


@case(source="SPEC NUM-4", profile="full")
def rounding(c: Case) -> None:
    """Floor, ceil, trunc, fraction, and round with halves to even."""
    _matrix(c, ValueRange(-20, 20, 1))
    c.forward(lambda torch, x: (x.floor(), x.ceil(), x.round(), x.trunc(), x.frac(), x.sign(), torch.signbit(x), x.abs(), x.neg()))


@case(source="SPEC NUM-4", profile="full")
def special_functions(c: Case) -> None:
    """The error function, gamma and Bessel functions, sinc."""
    _matrix(c, ValueRange(1, 60, 5))
    c.forward(
        lambda torch, x: (
            x.erf(),
            x.erfc(),
            x.lgamma(),
            x.digamma(),
            torch.special.i0(x),
            torch.special.i1(x),
            torch.sinc(x),
            torch.special.xlog1py(x, x),
        )
    )


@case(source="SPEC NUM-4", profile="full")
def comparisons(c: Case) -> None:
    """The six comparisons of floats of which some are equal: bools."""
    _matrix(c, ValueRange(-2, 2, 0), names=("x", "y"))
    c.forward(lambda torch, x, y: (x == y, x != y, x < y, x <= y, x > y, x >= y, torch.isclose(x, y)))


@case(source="SPEC NUM-3, NUM-4", profile="full")
def bitwise(c: Case) -> None:
    """And, or, exclusive or, not and shifts of int32."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "int32", (rows, 7), ValueRange(-(2**20), 2**20, 0))
    c.input("y", "int32", (rows, 7), ValueRange(0, 31, 0))
    c.forward(lambda torch, x, y: (x & y, x | y, x ^ y, ~x, x >> y, (x & 1023) << (y & 15)))


@case(source="SPEC NUM-1, NUM-4", profile="full")
def nan_in_comparisons(c: Case) -> None:
    """NaN and infinities in minimum, maximum, fmin, fmax, clamp and comparisons: which side wins."""
    _matrix(c, ValueRange(-4, 4, 1), names=("x", "y"))

    @c.forward
    def forward(torch, x, y):
        odd = torch.where(x > 1.5, torch.nan, torch.where(x < -1.5, -torch.inf, x))
        return torch.minimum(odd, y), torch.maximum(y, odd), torch.fmin(odd, y), torch.fmax(y, odd), odd.clamp(-1, 1), odd > y, odd != odd, odd.relu()


@case(source="SPEC NUM-1, NUM-4", profile="full")
def nan_tests(c: Case) -> None:
    """isnan, isinf, isfinite and nan_to_num of what comes out of divisions by zero and logarithms of negatives."""
    _matrix(c, ValueRange(-4, 4, 1), names=("x", "y"))

    @c.forward
    def forward(torch, x, y):
        quotient, logarithm = x / y, x.log()
        return (
            quotient,
            logarithm,
            quotient.isnan(),
            quotient.isinf(),
            logarithm.isfinite(),
            quotient.nan_to_num(7.0, 8.0, -9.0),
            logarithm.isneginf(),
        )


@case(source="SPEC NUM-3, NUM-4", profile="full")
def integer_division(c: Case) -> None:
    """Division of integers with all four signs: floor, trunc, remainder and fmod, in int64, int32 and int8."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "int64", (rows, 7), ValueRange(-100, 100, 0))
    c.input("y", "int64", (rows, 7), ValueRange(-3, 3, 0))

    @c.forward
    def forward(torch, x, y):
        outputs = []
        for dtype in (torch.int64, torch.int32, torch.int8):
            a, b = x.to(dtype), torch.where(y == 0, 4, y).to(dtype)
            outputs += [a // b, torch.div(a, b, rounding_mode="trunc"), torch.remainder(a, b), torch.fmod(a, b), a / b]
        return tuple(outputs)


@case(source="SPEC NUM-4", profile="full")
def division_by_constants(c: Case) -> None:
    """Integers divided by constants, which a compiler replaces by multiplication and shifts; powers of two among them."""
    _matrix(c, ValueRange(-1000, 1000, 0), "int64")
    c.forward(lambda torch, x: tuple(op(x, by) for by in (-8, -3, 1, 2, 7, 16) for op in (torch.floor_divide, torch.remainder, torch.fmod)))


@case(source="SPEC NUM-4", profile="full")
def float_remainders(c: Case) -> None:
    """Remainder, fmod and rounded division of floats with all four signs: exact, for all are multiples of 1/4."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "float32", (rows, 7), ValueRange(-100, 100, 2))
    c.input("y", "float32", (rows, 7), ValueRange(-8, -1, 1))
    c.call("positive", values={"y": ValueRange(1, 8, 1)})
    c.forward(
        lambda torch, x, y: (
            torch.remainder(x, y),
            torch.fmod(x, y),
            torch.div(x, y, rounding_mode="floor"),
            torch.div(x, y, rounding_mode="trunc"),
            x % 0.75,
        )
    )


@case(source="SPEC NUM-3", profile="full")
def integer_overflow(c: Case) -> None:
    """Sums, products and negation that leave the range of int8, uint8, int16 and int32: they wrap."""
    _matrix(c, ValueRange(-(2**30), 2**30 - 1, 0), "int32", names=("x", "y"))

    @c.forward
    def forward(torch, x, y):
        outputs = []
        for dtype in (torch.int8, torch.uint8, torch.int16, torch.int32):
            a, b = (x >> 3).to(dtype), (y >> 5).to(dtype)
            outputs += [a + b, a * b, a - b, -a, a * 3 + 1]
        return tuple(outputs)


@case(source="SPEC NUM-3", profile="full")
def float_to_integer(c: Case) -> None:
    """Floats cast to each integer dtype, towards zero, and to bool."""
    _matrix(c, ValueRange(-400, 400, 2))
    c.forward(lambda torch, x: (x.long(), x.int(), x.short(), x.to(torch.int8), x.abs().to(torch.uint8), x.bool(), x.floor().long()))


@case(source="SPEC NUM-3", profile="full")
def integer_powers(c: Case) -> None:
    """Powers of integers by constants and by tensors; squares."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "int64", (rows, 7), ValueRange(-9, 9, 0))
    c.input("y", "int64", (rows, 7), ValueRange(0, 6, 0))
    c.forward(lambda torch, x, y: (x**2, x**3, torch.pow(x, y), torch.square(x), x.abs(), torch.gcd(x, y), x.sign()))


@case(source="SPEC NUM-4", profile="full")
def three_operands(c: Case) -> None:
    """addcmul, addcdiv, lerp, hypot, atan2, copysign."""
    _matrix(c, ValueRange(1, 60, 4), names=("x", "y", "z"))
    c.forward(
        lambda torch, x, y, z: (
            torch.addcmul(x, y, z, value=0.5),
            torch.addcdiv(x, y, z, value=-2),
            torch.lerp(x, y, 0.25),
            torch.lerp(x, y, z),
            torch.hypot(x, y),
            torch.atan2(x, -y),
            torch.copysign(x, 1 - y),
            torch.xlogy(x, y),
        )
    )


@case(source="SPEC NUM-4", profile="full")
def promotion(c: Case) -> None:
    """Operands of different dtypes: what comes out is what type promotion says."""
    rows = c.dim("rows", min=2, max=9, example=4)
    for name, dtype in (("u", "uint8"), ("i", "int32"), ("h", "float16"), ("x", "float32")):
        c.input(name, dtype, (rows, 5), ValueRange(0, 40, 0))
    c.input("m", "bool", (rows, 5))
    c.forward(
        lambda torch, u, i, h, x, m: (u + i, i + h, h * x, m + m, m * u, i / 4, torch.where(m, u, x), torch.where(m, i, 2.5), u - 1, m | (x > 20))
    )


@case(source="SPEC NUM-4", profile="full")
def in_place(c: Case) -> None:
    """A copy that is changed in place, through views of it: the input stays what it was."""
    _matrix(c)

    @c.forward
    def forward(torch, x):
        y = x.clone()
        y[:, 1:3].mul_(2)
        y[0].add_(1)
        y.t()[5].neg_()
        y[:, ::3] = 0.5
        return y, y.relu_() + x


@case(source="SPEC NUM-4", profile="full")
def scalar_outputs(c: Case) -> None:
    """Tensors without dimensions, in and out."""
    c.input("scale", "float32", ())
    c.input("count", "int64", ())
    _matrix(c)
    c.forward(
        lambda torch, scale, count, x: (scale * 2, count + 1, x * scale + count, torch.stack([scale, scale + count]), scale.reshape(1), x[0, 0])
    )


@case(source="SPEC NUM-4, DYN-8", profile="full")
def sizes_as_values(c: Case) -> None:
    """The size of a dynamic dimension used as a number: in arithmetic, in arange and in full."""
    _matrix(c)
    c.forward(
        lambda torch, x: (
            x / x.shape[0],
            torch.arange(x.shape[0]) * 2,
            torch.full((x.shape[0], 2), 1.5),
            torch.linspace(0, 1, 5) * x.shape[0],
            torch.ones(x.shape[0] + 1, 2 * x.shape[0]),
            x + (x.shape[0] % 3),
        )
    )
