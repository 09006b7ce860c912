# SPDX-License-Identifier: Apache-2.0
"""Kernels as a user writes them in Triton, and the operators that launch them: library aoti_cts_triton. Imports torch and triton.

To add one: its kernel, its operator, and a program in cases/triton.py whose formula in plain torch has a golden already.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch.library import triton_op, wrap_triton


@triton.jit
def doubled_above_zero_kernel(x, out, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < n
    value = tl.load(x + at, mask=inside)
    tl.store(out + at, tl.where(value > 0, value * 2, value), mask=inside)


@triton.autotune(configs=[triton.Config({"BLOCK": size}, num_warps=size // 32) for size in (32, 128)], key=["n"])
@triton.jit
def sum_kernel(x, y, out, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < n
    tl.store(out + at, tl.load(x + at, mask=inside) + tl.load(y + at, mask=inside), mask=inside)


@triton.jit
def joined_kernel(x, y, out, n, MULTIPLY: tl.constexpr, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < n
    a = tl.load(x + at, mask=inside)
    b = tl.load(y + at, mask=inside)
    if MULTIPLY:
        a = a * b
    else:
        a = a + b
    tl.store(out + at, a, mask=inside)


@triton.jit
def sine_kernel(x, out, n, COSINE: tl.constexpr, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < n
    value = tl.load(x + at, mask=inside)
    tl.store(out + at, tl.cos(value) if COSINE else tl.sin(value), mask=inside)


@triton.jit
def scaled_kernel(x, out, n, TWICE: tl.constexpr, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < n
    tl.store(out + at, tl.load(x + at, mask=inside) * (2.0 if TWICE else 0.5), mask=inside)


@triton_op("aoti_cts_triton::doubled_above_zero", mutates_args={})
def doubled_above_zero(x: torch.Tensor) -> torch.Tensor:
    """Twice what is above zero."""
    out, n = torch.empty_like(x), x.numel()
    wrap_triton(doubled_above_zero_kernel)[(triton.cdiv(n, 64),)](x, out, n, BLOCK=64)
    return out


@triton_op("aoti_cts_triton::sum", mutates_args={})
def sum(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """x + y, with the better of two block sizes."""
    out, n = torch.empty_like(x), x.numel()
    wrap_triton(sum_kernel)[lambda meta: (triton.cdiv(n, meta["BLOCK"]),)](x, y, out, n)
    return out


@triton_op("aoti_cts_triton::product", mutates_args={})
def product(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """x * y, one of two things that a kernel does."""
    out, n = torch.empty_like(x), x.numel()
    wrap_triton(joined_kernel)[(triton.cdiv(n, 64),)](x, y, out, n, MULTIPLY=True, BLOCK=64)
    return out


@triton_op("aoti_cts_triton::sine", mutates_args={})
def sine(x: torch.Tensor, cosine: bool) -> torch.Tensor:
    """Sine or cosine."""
    out, n = torch.empty_like(x), x.numel()
    wrap_triton(sine_kernel)[(triton.cdiv(n, 128),)](x, out, n, COSINE=cosine, BLOCK=128)
    return out


@triton_op("aoti_cts_triton::scaled", mutates_args={})
def scaled(x: torch.Tensor, twice: bool) -> torch.Tensor:
    """Twice or half of it: both are exact."""
    out, n = torch.empty_like(x), x.numel()
    wrap_triton(scaled_kernel)[(triton.cdiv(n, 128),)](x, out, n, TWICE=twice, BLOCK=128)
    return out
