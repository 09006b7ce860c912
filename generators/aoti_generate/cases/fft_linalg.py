# SPDX-License-Identifier: Apache-2.0
"""Fourier transforms and linear algebra: calls of PyTorch's own kernels from compiled code."""

from __future__ import annotations

from ..case import Case, case
from ..formula import ValueRange


@case(source="SPEC NUM-3, NUM-4, DYN-8")
def fft(c: Case) -> None:
    """Complex transforms of a dynamic batch, forth and back, of one and of two dimensions."""
    batch = c.dim("items", min=2, max=6, example=3)
    c.input("x", "complex64", (batch, 4, 8))
    c.contraction = 32
    c.forward(lambda torch, x: (torch.fft.fft(x), torch.fft.ifft(x), torch.fft.fft2(x), torch.fft.fft(x, dim=1, norm="ortho")))


@case(source="SPEC NUM-3, NUM-4, DYN-8", profile="full")
def real_fft(c: Case) -> None:
    """Transforms of real signals and back to them; amplitudes and shifted frequencies."""
    batch = c.dim("items", min=2, max=6, example=3)
    c.input("x", "float32", (batch, 16))
    c.contraction = 16

    @c.forward
    def forward(torch, x):
        spectrum = torch.fft.rfft(x)
        return spectrum, torch.fft.irfft(spectrum * 2), spectrum.abs(), torch.fft.fftshift(x, dim=1), torch.fft.rfftfreq(16) * x[:, :9]


@case(source="SPEC NUM-3, NUM-4, DYN-8", profile="full")
def fft_of_any_length(c: Case) -> None:
    """A transform over a dimension that is itself dynamic, and the amplitudes of half of one."""
    length = c.dim("length", min=2, max=20, example=7)
    c.input("x", "float32", (3, length))
    c.contraction = 20
    c.forward(lambda torch, x: (torch.fft.fft(x), torch.fft.rfft(x).abs()))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def solving(c: Case) -> None:
    """Linear systems of a dynamic batch: solve, inverse, determinant; the diagonal dominates."""
    batch = c.dim("items", min=2, max=6, example=3)
    c.input("x", "float32", (batch, 4, 4), ValueRange(-16, 16, 5))
    c.input("y", "float32", (batch, 4, 2))
    c.contraction = 64

    @c.forward
    def forward(torch, x, y):
        matrix = x + 4 * torch.eye(4, dtype=x.dtype)
        return torch.linalg.solve(matrix, y), torch.linalg.inv(matrix), torch.linalg.det(matrix), *torch.linalg.slogdet(matrix)


@case(source="SPEC NUM-4, DYN-8", profile="full")
def cholesky_solve(c: Case) -> None:
    """Cholesky factors of positive definite matrices, and systems solved with them."""
    batch = c.dim("items", min=2, max=6, example=3)
    c.input("x", "float32", (batch, 4, 4), ValueRange(-32, 32, 5))
    c.input("y", "float32", (batch, 4, 2))
    c.contraction = 64

    @c.forward
    def forward(torch, x, y):
        factor = torch.linalg.cholesky(x @ x.mT + 4 * torch.eye(4, dtype=x.dtype))
        return factor, torch.cholesky_solve(y, factor), torch.linalg.solve_triangular(factor, y, upper=False)
