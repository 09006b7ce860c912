# SPDX-License-Identifier: Apache-2.0
"""Programs whose weights are replaced while they run, and the ways in which a package may hold them."""

from __future__ import annotations

import typing

from ..case import Case, case
from ..placement import cuda

if typing.TYPE_CHECKING:
    import torch

_WIDTH = 16


def _layers() -> torch.nn.Module:
    from torch import nn

    return nn.Sequential(nn.Linear(_WIDTH, 24), nn.ReLU(), nn.Linear(24, 12))


def _described(c: Case, dtype: str = "float32") -> None:
    c.input("x", dtype, (4, _WIDTH))
    c.contraction = 24
    c.weight_sets(3)


@case(source="SPEC CONST-1")
def replaced_weights(c: Case) -> None:
    """Two linear layers: four parameters, each a constant of its own."""
    _described(c)
    c.model(_layers)


@case(source="SPEC CONST-1", profile="full")
def replaced_weights_bfloat16(c: Case) -> None:
    """The same in bfloat16."""
    _described(c, "bfloat16")

    @c.model
    def build() -> torch.nn.Module:
        import torch

        return _layers().to(torch.bfloat16)


@case(source="SPEC CONST-1: buffers, a shared parameter", profile="full", on_cuda=True)
def replaced_buffers(c: Case) -> None:
    """Buffers beside parameters, one of them not in the state_dict, and one parameter that two layers share."""
    _described(c)

    @c.model
    def build() -> torch.nn.Module:
        import torch
        from torch import nn

        class Shared(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.first = nn.Linear(_WIDTH, _WIDTH)
                self.second = nn.Linear(_WIDTH, _WIDTH)
                self.second.weight = self.first.weight
                self.register_buffer("scale", torch.empty(4, _WIDTH))
                self.register_buffer("shift", torch.empty(_WIDTH), persistent=False)

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return self.second(torch.relu(self.first(x)) * (self.scale + 1)) + self.shift

        return Shared()


@case(source="SPEC CONST-1, field report pytorch#179225")
def replaced_folded(c: Case) -> None:
    """Constants that the package computes from others stand between those that it does not."""
    _described(c)
    c.options = {"aot_inductor.use_runtime_constant_folding": True}

    @c.model
    def build() -> torch.nn.Module:
        import torch
        from torch import nn

        class Folded(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.before = nn.Linear(_WIDTH, _WIDTH)
                self.scale = nn.Parameter(torch.empty(12, _WIDTH))
                self.shift = nn.Parameter(torch.empty(12))
                self.after = nn.Parameter(torch.empty(4, 12))

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return nn.functional.linear(self.before(x), self.scale * 2 + 1, self.shift.exp()) + self.after

        return Folded()


@case(source="SPEC CONST-1, EXP-5: weights absent until loaded")
def weights_absent(c: Case) -> None:
    """A package without weights: they are given after it is loaded, before its first call."""
    _described(c)
    c.options = {"aot_inductor.package_constants_in_so": False}
    c.model(_layers)


@case(source="SPEC CONST-1, EXP-5: weights on disk")
def weights_in_a_file(c: Case) -> None:
    """Weights in a file beside the library, which the loader maps into memory."""
    _described(c)
    c.options = {"aot_inductor.package_constants_on_disk_format": "binary_blob"}
    c.model(_layers)


@case(source="SPEC CONST-1, EXP-5: weights memory-mapped", profile="full", on_cuda=True)
def weights_mapped(c: Case) -> None:
    """Weights appended to the library, which maps itself."""
    _described(c)
    c.options = {"aot_inductor.force_mmap_weights": True}
    c.model(_layers)


@case(source="SPEC CONST-1, PLACE-1", device="hybrid")
def replaced_on_two_devices(c: Case) -> None:
    """Constants on CUDA between constants on the CPU."""
    _described(c)

    @c.model
    def build() -> torch.nn.Module:
        import torch
        from torch import nn

        class OnTwoDevices(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.before = nn.Linear(_WIDTH, _WIDTH)
                self.on_cuda = nn.Linear(_WIDTH, 24, device=cuda())
                self.after = nn.Linear(24, 12)

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                hidden = torch.relu(self.on_cuda(self.before(x).to(cuda())))
                return self.after(hidden.cpu())

        return OnTwoDevices()
