# SPDX-License-Identifier: Apache-2.0
"""Inputs and weights by formula: the same bits here and in fixtures/formula.cc, on any machine and in any order.

Values are integers divided by a power of two, so they are exact in every floating dtype that has the bits, and no libm is asked.
"""

from __future__ import annotations

import typing
from dataclasses import dataclass

if typing.TYPE_CHECKING:
    import torch

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


@dataclass(frozen=True)
class ValueRange:
    """Integers drawn evenly from [low, high], then divided by 2**shift."""

    low: int = -64
    high: int = 63
    shift: int = 5


def _mix(z: int) -> int:
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def seed_of(name: str) -> int:
    """Seed of one tensor: its name, for example "mlp_dynamic/batch_mid/x"."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & _MASK
    return _mix(value)


def integer(seed: int, index: int, values: ValueRange) -> int:
    """Integer number `index` of the stream `seed`."""
    top = _mix((seed + (index + 1) * _GOLDEN) & _MASK) >> 32
    return values.low + ((top * (values.high - values.low + 1)) >> 32)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def tensor(name: str, shape: typing.Sequence[int], dtype: torch.dtype, values: ValueRange) -> torch.Tensor:
    """The tensor called `name`: row-major, `shape`, cast to `dtype`; computed in 64-bit integers, whose products wrap.

    A complex element takes two values of the stream, the real part first.
    """
    import torch

    if dtype.is_complex:
        return torch.view_as_complex(tensor(name, (*shape, 2), dtype.to_real(), values))

    def shifted(z: torch.Tensor, by: int) -> torch.Tensor:
        return (z >> by) & ((1 << (64 - by)) - 1)  # a logical shift

    count = 1
    for size in shape:
        count *= size
    z = torch.arange(1, count + 1, dtype=torch.int64) * _signed(_GOLDEN) + _signed(seed_of(name))
    z = (z ^ shifted(z, 30)) * _signed(0xBF58476D1CE4E5B9)
    z = (z ^ shifted(z, 27)) * _signed(0x94D049BB133111EB)
    z = z ^ shifted(z, 31)
    integers = values.low + ((shifted(z, 32) * (values.high - values.low + 1)) >> 32)
    if dtype.is_floating_point:
        return (integers.to(torch.float64) * 2.0**-values.shift).to(dtype).reshape(tuple(shape))
    return (integers >> values.shift).to(dtype).reshape(tuple(shape))
