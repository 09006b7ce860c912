# SPDX-License-Identifier: Apache-2.0
"""Convolutions, pooling, padding and resampling, with dynamic batches and dynamic images."""

from __future__ import annotations

import typing

from ..case import Case, case
from ..formula import ValueRange

if typing.TYPE_CHECKING:
    import torch

DISTINCT = ValueRange(-(2**18), 2**18, 17)  # no two of a few hundred are equal


def _module(c: Case, make: typing.Callable[[typing.Any], torch.nn.Module]) -> None:
    """The model is one module, made from torch.nn."""

    @c.model
    def build() -> torch.nn.Module:
        import torch

        return make(torch.nn)


@case(source="SPEC NUM-4, DYN-8", profile="full")
def conv1d(c: Case) -> None:
    """A 1-dimensional convolution over a sequence of dynamic length."""
    length = c.dim("length", min=3, max=40, example=9)
    c.input("x", "float32", (2, 3, length))
    c.contraction = 10
    _module(c, lambda nn: nn.Conv1d(3, 4, 3, padding=1))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def conv2d_of_any_image(c: Case) -> None:
    """A strided and dilated convolution over images of dynamic height and width."""
    height, width = c.dim("height", min=7, max=24, example=10), c.dim("width", min=7, max=24, example=12)
    c.input("x", "float32", (2, 3, height, width))
    c.contraction = 28
    _module(c, lambda nn: nn.Conv2d(3, 4, 3, stride=2, dilation=2, padding=1))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def depthwise_conv(c: Case) -> None:
    """A depthwise convolution and the pointwise one that follows it, without bias."""
    batch = c.dim("batch", min=1, max=6, example=2)
    c.input("x", "float32", (batch, 6, 8, 8))
    c.contraction = 25
    _module(c, lambda nn: nn.Sequential(nn.Conv2d(6, 12, 5, padding="same", groups=6, bias=False), nn.ReLU6(), nn.Conv2d(12, 4, 1, bias=False)))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def transposed_conv(c: Case) -> None:
    """Transposed convolutions of one and of two dimensions, with output padding."""
    batch = c.dim("items", min=2, max=6, example=3)
    c.input("x", "float32", (batch, 4, 3, 4))
    c.contraction = 36

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Both(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.plane = torch.nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1, output_padding=1)
                self.line = torch.nn.ConvTranspose1d(4, 2, 4, stride=2)

            def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
                return self.plane(x), self.line(x[:, :, 0])

        return Both()


@case(source="SPEC NUM-4, DYN-8", profile="full")
def conv3d(c: Case) -> None:
    """A convolution of three dimensions over a dynamic number of frames."""
    frames = c.dim("frames", min=4, max=9, example=4)
    c.input("x", "float32", (1, 2, frames, 6, 6))
    c.contraction = 54
    _module(c, lambda nn: nn.Conv3d(2, 3, 3, padding=(0, 1, 1)))


@case(source="SPEC NUM-3, NUM-4", profile="full", on_cuda=True)
def conv_of_bfloat16(c: Case) -> None:
    """Convolution, batch norm and ReLU in bfloat16."""
    batch = c.dim("items", min=2, max=5, example=3)
    c.input("x", "bfloat16", (batch, 3, 8, 8))
    c.contraction = 27
    _module(c, lambda nn: nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()).bfloat16())


@case(source="SPEC NUM-4, DYN-8", profile="full", on_cuda=True)
def max_pool(c: Case) -> None:
    """Max pooling of images of dynamic size, with the places of the largest; rows and columns that are left over."""
    height, width = c.dim("height", min=5, max=16, example=8), c.dim("width", min=5, max=16, example=7)
    c.input("x", "float32", (2, 3, height, width), DISTINCT)
    c.needs_torch("2.13", "export of torch 2.11 asks sizes that max pooling leaves rows of to be even or odd, as they were in the example")
    c.forward(
        lambda torch, x: (
            torch.nn.functional.max_pool2d(x, 2),
            torch.nn.functional.max_pool2d(x, 3, stride=2, padding=1, dilation=2),
            torch.nn.functional.max_pool2d(x[:, :, :4, :4], 3, stride=2, ceil_mode=True),
            *torch.nn.functional.max_pool2d(x, 2, return_indices=True),
        )
    )


@case(source="SPEC NUM-4, DYN-8", profile="full")
def avg_pool(c: Case) -> None:
    """Average pooling of images of dynamic size: with padding counted and not counted, and to the power 2."""
    height, width = c.dim("height", min=4, max=16, example=8), c.dim("width", min=4, max=16, example=7)
    c.input("x", "float32", (2, 3, height, width))
    c.contraction = 9
    c.forward(
        lambda torch, x: (
            torch.nn.functional.avg_pool2d(x, 2),
            torch.nn.functional.avg_pool2d(x, 3, stride=2, padding=1),
            torch.nn.functional.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False),
            torch.nn.functional.lp_pool2d(x.abs(), 2, 2),
        )
    )


@case(source="SPEC NUM-4, DYN-8", profile="full")
def global_pool(c: Case) -> None:
    """Adaptive pooling to 1 by 1, with a dynamic batch, and to a divisor and to no divisor of the size."""
    batch = c.dim("batch", min=1, max=6, example=2)
    c.input("x", "float32", (batch, 3, 12, 9), DISTINCT)
    c.contraction = 108
    c.forward(
        lambda torch, x: (
            torch.nn.functional.adaptive_avg_pool2d(x, 1).flatten(1),
            torch.nn.functional.adaptive_avg_pool2d(x, (4, 3)),
            torch.nn.functional.adaptive_avg_pool2d(x, (5, 4)),
            torch.nn.functional.adaptive_max_pool2d(x, 1),
        )
    )


@case(source="SPEC NUM-4, DYN-8", profile="full")
def padding(c: Case) -> None:
    """Padding by a constant, by reflection, by repetition and round the corner, of a dynamic length; negative padding cuts."""
    length = c.dim("length", min=5, max=20, example=7)
    c.input("x", "float32", (2, 3, length))
    c.forward(
        lambda torch, x: (
            torch.nn.functional.pad(x, (2, 1), value=0.5),
            torch.nn.functional.pad(x, (2, 3), mode="reflect"),
            torch.nn.functional.pad(x, (1, 4), mode="replicate"),
            torch.nn.functional.pad(x, (2, 1), mode="circular"),
            torch.nn.functional.pad(x, (-1, -2)),
            torch.nn.functional.pad(x > 0, (0, 1, 1, 0), value=True),
        )
    )


@case(source="SPEC NUM-4, DYN-8", profile="full", on_cuda=True)
def upsampling(c: Case) -> None:
    """Nearest, bilinear and bicubic resampling by factors, of images of dynamic height."""
    height = c.dim("height", min=2, max=9, example=4)
    c.input("x", "float32", (1, 1, height, 4))
    c.contraction = 16
    c.forward(
        lambda torch, x: (
            torch.nn.functional.interpolate(x, scale_factor=2),
            torch.nn.functional.interpolate(x, scale_factor=2, mode="bilinear"),
            torch.nn.functional.interpolate(x, size=(7, 11), mode="bilinear", align_corners=True),
            torch.nn.functional.interpolate(x, scale_factor=2, mode="bicubic"),
            torch.nn.functional.interpolate(x[0], scale_factor=2, mode="linear"),
        )
    )


@case(source="SPEC NUM-4, DYN-8", profile="full")
def pixel_shuffle(c: Case) -> None:
    """Channels to pixels and back, and channels shuffled."""
    batch = c.dim("items", min=2, max=5, example=3)
    c.input("x", "float32", (batch, 4, 2, 4))
    c.forward(
        lambda torch, x: (
            torch.nn.functional.pixel_shuffle(x, 2),
            torch.nn.functional.pixel_unshuffle(x, 2),
            torch.nn.functional.channel_shuffle(x, 2),
        )
    )


@case(source="SPEC NUM-4, DYN-8", profile="full")
def unfold_and_fold(c: Case) -> None:
    """Patches of images taken apart and put together again, where they overlap by adding."""
    batch = c.dim("items", min=2, max=5, example=3)
    c.input("x", "float32", (batch, 1, 5, 5))
    c.contraction = 9

    @c.forward
    def forward(torch, x):
        patches = torch.nn.functional.unfold(x, 3, padding=1)
        return patches, torch.nn.functional.fold(patches, (5, 5), 3, padding=1), x.unfold(2, 3, 2)


@case(source="SPEC NUM-4", profile="full")
def grid_sample(c: Case) -> None:
    """Pictures sampled at a grid, inside and outside of them: bilinear and nearest."""
    batch = c.dim("items", min=2, max=5, example=3)
    c.input("x", "float32", (batch, 2, 5, 6))
    c.input("grid", "float32", (batch, 4, 3, 2), ValueRange(-301, 301, 8))
    c.contraction = 16
    c.forward(
        lambda torch, x, grid: (
            torch.nn.functional.grid_sample(x, grid, align_corners=False),
            torch.nn.functional.grid_sample(x, grid, align_corners=True, padding_mode="border"),
            torch.nn.functional.affine_grid(grid[:, :2, :, 0].reshape(-1, 2, 3), (x.shape[0], 1, 3, 4), align_corners=False),
        )
    )


@case(source="SPEC NUM-4, DYN-8", profile="full")
def functional_conv(c: Case) -> None:
    """A convolution whose weights are an input, with a dynamic number of filters."""
    filters = c.dim("filters", min=2, max=9, example=4)
    c.input("x", "float32", (2, 3, 7, 7))
    c.input("w", "float32", (filters, 3, 3, 3))
    c.contraction = 27
    c.forward(lambda torch, x, w: torch.nn.functional.conv2d(x, w))
