# SPDX-License-Identifier: Apache-2.0
"""Sums of half-precision numbers and products of floats into bool compile, as they run in eager PyTorch.

requirement: NUM_1
source: pytorch#197106
"""

import torch
from _programs import answer, package, refusal, words_of


class Sum(torch.nn.Module):
    """A sum."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Is it other than 0?"""
        return torch.sum(x, dtype=torch.bool)


class Product(torch.nn.Module):
    """A product."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Is it other than 0?"""
        return torch.prod(x, dtype=torch.bool)


half = torch.export.export(Sum(), (torch.ones(3, 4, dtype=torch.float16),))
single = torch.export.export(Product(), (torch.ones(3, 4),))
errors = {"sum of float16": refusal(lambda: package(half)), "product of float32": refusal(lambda: package(single))}
answer(not any(errors.values()), "; ".join(f"{name}: {words_of(error) if error else 'compiles'}" for name, error in errors.items()))
