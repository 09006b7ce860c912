# SPDX-License-Identifier: Apache-2.0
"""Options of the compiler that change the code: the answer stays the same."""

from __future__ import annotations

import typing

from ..case import Case, case

if typing.TYPE_CHECKING:
    import torch


def _two_layers() -> torch.nn.Module:
    from torch import nn

    return nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 8))


@case(source="S2 7.1, 7.2: max_autotune")
def max_autotune(c: Case) -> None:
    """Matrix products whose kernels were chosen by measuring."""
    c.input("x", "float32", (8, 32))
    c.contraction = 64
    c.options = {"max_autotune": True}
    c.model(_two_layers)


@case(source="SPEC EXP-5")
def freezing(c: Case) -> None:
    """Weights taken as constants when compiling."""
    rows = c.dim("rows", min=2, max=16, example=8)
    c.input("x", "float32", (rows, 32))
    c.contraction = 64
    c.options = {"freezing": True}
    c.model(_two_layers)


@case(source="SPEC EXP-5")
def runtime_constant_folding(c: Case) -> None:
    """What can be computed of the weights alone is computed by the package when it is loaded."""
    rows = c.dim("rows", min=2, max=16, example=8)
    c.input("x", "float32", (rows, 32))
    c.contraction = 64
    c.options = {"aot_inductor.use_runtime_constant_folding": True}

    @c.model
    def build() -> torch.nn.Module:
        import torch
        from torch import nn

        class Folded(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.scale = nn.Parameter(torch.empty(8, 32))
                self.shift = nn.Parameter(torch.empty(8))

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return torch.nn.functional.linear(x, self.scale * 2 + 1, self.shift.exp2())

        return Folded()


def _sin_mm_cos(c: Case, option: str) -> None:
    """The slides' example, compiled with an option that is switched on."""
    c.input("x", "float32", (64, 64))
    c.input("y", "float32", (64, 64))
    c.contraction = 64 * 8
    c.tasks(4)
    c.options = {option: True}
    c.forward(lambda torch, x, y: torch.cos(torch.mm(torch.sin(x), y)))


@case(source="S2 4.2, 5.1; SPEC OPS-2: embedded cubins", device="cuda", twin_of="sin_mm_cos", compiled_for=(90,))
def embedded_kernels(c: Case) -> None:
    """Kernels lie in the read-only data of the library: no file beside it is loaded."""
    _sin_mm_cos(c, "aot_inductor.embed_kernel_binary")


@case(source="SPEC EXP-5: multi-arch kernels", device="cuda", twin_of="sin_mm_cos", compiled_for=(90,))
def multi_arch_kernels(c: Case) -> None:
    """The file of each kernel holds it for the architecture that was compiled for and, as PTX, for newer ones."""
    _sin_mm_cos(c, "aot_inductor.emit_multi_arch_kernel")
