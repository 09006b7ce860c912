# SPDX-License-Identifier: Apache-2.0
"""Kinds of packages: what lies in the archive, and options that change what is compiled."""

from __future__ import annotations

import typing

from ..case import Case, case

if typing.TYPE_CHECKING:
    import torch


@case(source="S2 7.2; package_pt2: a dictionary that maps names of models to their files; aot_inductor.metadata")
def two_models(c: Case) -> None:
    """A package with a second model in it, on CUDA one for the CPU, and with a word of its author in its metadata."""
    c.input("x", "float32", (4, 128))
    c.contraction = 256
    c.beside("mlp_static")
    c.options = {"aot_inductor.metadata": {"case": "two_models"}}

    @c.model
    def build() -> torch.nn.Module:
        from torch import nn

        return nn.Linear(128, 6)


@case(source="SPEC EXP-5: cpp.simdlen", profile="full")
def scalar_kernels(c: Case) -> None:
    """Kernels without vector instructions."""
    rows = c.dim("rows", min=2, max=16, example=8)
    c.input("x", "float32", (rows, 33))
    c.options = {"cpp.simdlen": 0}

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Chain(torch.nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return torch.relu(x * 0.5 + 0.25) - x

        return Chain()


@case(source="SPEC EXP-5: aot_inductor.allow_stack_allocation", profile="full")
def stack_allocation(c: Case) -> None:
    """What lies between operators is kept on the stack."""
    c.input("x", "float32", (8, 16))
    c.contraction = 16
    c.options = {"aot_inductor.allow_stack_allocation": True}

    @c.model
    def build() -> torch.nn.Module:
        from torch import nn

        return nn.Sequential(nn.Linear(16, 16), nn.Softmax(dim=-1), nn.LayerNorm(16))


@case(source="SPEC EXP-5: aot_inductor.package_cpp_only; the CMakeLists.txt in such a package")
def built_with_cmake(c: Case) -> None:
    """A package of sources whose library was built with CMake, as the list in the package says."""
    rows = c.dim("rows", min=2, max=16, example=8)
    c.input("x", "float32", (rows, 48))
    c.contraction = 48
    c.options = {"aot_inductor.package_cpp_only": True}

    @c.model
    def build() -> torch.nn.Module:
        from torch import nn

        return nn.Sequential(nn.Linear(48, 24), nn.GELU())


@case(source="SPEC EXP-5: aot_inductor.link_libtorch; torch/_inductor/config.py: whether the compiled .so should link to libtorch")
def not_linked_to_libtorch(c: Case) -> None:
    """A library that names no torch: it takes the functions from the process, which has them where the program itself is linked with libtorch."""
    rows = c.dim("rows", min=2, max=16, example=8)
    c.input("x", "float32", (rows, 40))
    c.contraction = 40
    c.options = {"aot_inductor.link_libtorch": False}

    @c.model
    def build() -> torch.nn.Module:
        from torch import nn

        return nn.Sequential(nn.Linear(40, 24), nn.SiLU())
