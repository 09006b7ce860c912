# SPDX-License-Identifier: Apache-2.0
"""Integers in place of floats: what quantised models are made of. Scales are powers of two, so that eager PyTorch and a compiler round alike."""

from __future__ import annotations

import typing

from ..case import Case, case
from ..formula import ValueRange

if typing.TYPE_CHECKING:
    import torch


@case(source="SPEC NUM-4, DYN-8", profile="full")
def quantize_and_dequantize(c: Case) -> None:
    """Floats to int8 and uint8 and back: by a scale and a zero point, halves to even, values outside the range cut."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "float32", (rows, 7), ValueRange(-160, 160, 3))

    @c.forward
    def forward(torch, x):
        signed = (x / 0.125 + 3).round().clamp(-128, 127).to(torch.int8)
        unsigned = (x * 4).round().clamp(0, 255).to(torch.uint8)
        return signed, unsigned, (signed.to(x.dtype) - 3) * 0.125, unsigned.to(x.dtype) / 4


@case(source="SPEC NUM-4", profile="full")
def quantized_decomposed(c: Case) -> None:
    """The operators that PyTorch's quantisation flow exports, per tensor and per channel."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "float32", (rows, 4), ValueRange(-160, 160, 3))

    @c.forward
    def forward(torch, x):
        import torch.ao.quantization.fx._decomposed  # registers the operators

        ops = torch.ops.quantized_decomposed
        x = x.float()  # the operators take nothing wider; the values are exact in it
        scales, zeros = torch.tensor([0.125, 0.25, 0.5, 1.0]), torch.tensor([0, 1, -2, 3])
        whole = ops.quantize_per_tensor(x, 0.125, 3, -128, 127, torch.int8)
        each = ops.quantize_per_channel(x, scales, zeros, 1, -128, 127, torch.int8)
        return (
            whole,
            ops.dequantize_per_tensor(whole, 0.125, 3, -128, 127, torch.int8),
            each,
            ops.dequantize_per_channel(each, scales, zeros, 1, -128, 127, torch.int8),
        )


@case(source="SPEC NUM-4, DYN-8", profile="full", on_cuda=True)
def weight_only_int8_linear(c: Case) -> None:
    """A linear layer whose weights are int8 with a scale per row."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "float32", (rows, 32))
    c.contraction = 32

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Linear(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.register_buffer("weight", (torch.arange(6 * 32) * 37 % 256 - 128).to(torch.int8).reshape(6, 32))
                self.scale = torch.nn.Parameter(torch.empty(6))

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return torch.nn.functional.linear(x, self.weight.to(x.dtype)) * self.scale

        return Linear()


@case(source="SPEC NUM-4, DYN-8", profile="full")
def dynamic_int8_linear(c: Case) -> None:
    """Activations quantised by what they are, an int8 product into int32, and scaled back: the product is exact."""
    rows = c.dim("rows", min=17, max=40, example=20)
    c.input("x", "float32", (rows, 32), ValueRange(-127, 127, 3))

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Linear(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.register_buffer("weight", (torch.arange(32 * 8) * 37 % 256 - 128).to(torch.int8).reshape(32, 8))

            def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
                quantised = (x * 8).to(torch.int8)
                product = torch._int_mm(quantised, self.weight)
                return product, product.to(x.dtype) * 0.03125

        return Linear()


@case(source="SPEC NUM-4", profile="full")
def packed_int4(c: Case) -> None:
    """Two 4-bit numbers in a byte: unpacked by shifts and masks, with sign, and multiplied."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("bytes", "uint8", (8, 6), ValueRange(0, 255, 0))
    c.input("x", "float32", (rows, 16))
    c.contraction = 16

    @c.forward
    def forward(torch, bytes, x):
        low, high = (bytes & 15).to(torch.int8), (bytes >> 4).to(torch.int8)
        numbers = torch.stack([low, high], 1).flatten(0, 1)
        signed = torch.where(numbers > 7, numbers - 16, numbers)
        return signed, x @ signed.to(x.dtype)


@case(source="SPEC NUM-4, DYN-8", profile="full")
def image_bytes(c: Case) -> None:
    """Pixels as bytes, channels last, made into normalised floats, channels first."""
    batch = c.dim("items", min=2, max=4, example=3)
    c.input("image", "uint8", (batch, 6, 5, 3), ValueRange(0, 255, 0))

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Normalise(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.shift = torch.nn.Parameter(torch.empty(3, 1, 1))

            def forward(self, image: torch.Tensor) -> torch.Tensor:
                return image.permute(0, 3, 1, 2).to(self.shift.dtype) / 255 - self.shift

        return Normalise()
