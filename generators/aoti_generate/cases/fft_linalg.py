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


@case(source="SPEC NUM-3, NUM-4, DYN-8", profile="full")
def stft(c: Case) -> None:
    """A short-time Fourier transform with a window, as real numbers."""
    batch = c.dim("items", min=2, max=4, example=3)
    c.input("x", "float32", (batch, 40))
    c.contraction = 16

    @c.forward
    def forward(torch, x):
        spectrum = torch.stft(x, 16, hop_length=4, window=torch.hann_window(16, dtype=x.dtype), return_complex=True)
        return torch.view_as_real(spectrum), spectrum.abs().square()


@case(source="SPEC NUM-4, DYN-8", profile="full", on_cuda=True)
def solving(c: Case) -> None:
    """Linear systems of a dynamic batch: solve, inverse, determinant; the diagonal dominates."""
    batch = c.dim("items", min=2, max=6, example=3)
    c.input("x", "float32", (batch, 4, 4), ValueRange(-16, 16, 5))
    c.input("y", "float32", (batch, 4, 2))
    c.contraction = 64

    @c.forward
    def forward(torch, x, y):
        matrix = x + 4 * torch.eye(4, dtype=x.dtype, device=x.device)
        return torch.linalg.solve(matrix, y), torch.linalg.inv(matrix), torch.linalg.det(matrix), *torch.linalg.slogdet(matrix)


@case(source="SPEC NUM-4", profile="full")
def spectra(c: Case) -> None:
    """Eigenvalues of symmetric matrices and singular values: numbers without a sign that may be chosen."""
    batch = c.dim("items", min=2, max=6, example=3)
    c.input("x", "float32", (batch, 4, 4))
    c.contraction = 64
    c.forward(lambda torch, x: (torch.linalg.eigvalsh(x + x.mT), torch.linalg.svdvals(x), torch.linalg.matrix_rank(x)))


@case(source="SPEC NUM-4", profile="full")
def qr_and_svd(c: Case) -> None:
    """Products of the factors of QR and SVD, which are the matrix again, whatever the factors' signs."""
    batch = c.dim("items", min=2, max=6, example=3)
    c.input("x", "float32", (batch, 5, 3))
    c.contraction = 64

    @c.forward
    def forward(torch, x):
        q, r = torch.linalg.qr(x)
        u, s, v = torch.linalg.svd(x, full_matrices=False)
        return q @ r, q.mT @ q, u * s[:, None] @ v


@case(source="SPEC NUM-4, DYN-8", profile="full")
def matrix_functions(c: Case) -> None:
    """The exponential and powers of matrices, cross products, the pseudo-inverse."""
    batch = c.dim("items", min=2, max=6, example=3)
    c.input("x", "float32", (batch, 3, 3), ValueRange(-24, 24, 5))
    c.contraction = 256

    @c.forward
    def forward(torch, x):
        dominant = x + 3 * torch.eye(3, dtype=x.dtype)
        return torch.matrix_exp(x), torch.linalg.matrix_power(x, 3), torch.linalg.cross(x, x.flip(1)), torch.linalg.pinv(dominant)


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
