# SPDX-License-Identifier: Apache-2.0
"""What the scripts of this folder share: a program, its package, the words of an error, folders, and the answer."""

from __future__ import annotations

import contextlib
import os
import tempfile
import typing
from pathlib import Path

import torch

_OWN = tempfile.TemporaryDirectory(prefix="claim-")  # goes with the process


def folder() -> Path:
    """A new folder that goes with the process."""
    return Path(tempfile.mkdtemp(dir=_OWN.name))


class Mlp(torch.nn.Module):
    """The multi-layer perceptron 128-256-10 of the documents."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = torch.nn.Linear(128, 256)
        self.fc2 = torch.nn.Linear(256, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Two layers with GELU between them."""
        return self.fc2(torch.nn.functional.gelu(self.fc1(x)))


class Double(torch.nn.Module):
    """A program that is no more than it must be."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Twice x."""
        return x * 2


def package(program: torch.export.ExportedProgram, **options: typing.Any) -> str:
    """Path of a new package."""
    return typing.cast(str, torch._inductor.aoti_compile_and_package(program, package_path=str(folder() / "model.pt2"), **options))


def loaded(program: torch.export.ExportedProgram, **options: typing.Any) -> typing.Callable[..., typing.Any]:
    """The program compiled, packaged and loaded into Python."""
    return typing.cast(typing.Callable[..., typing.Any], torch._inductor.aoti_load_package(package(program, **options)))


@contextlib.contextmanager
def no_caches() -> typing.Iterator[Path]:
    """A fresh folder for what Inductor keeps, so that nothing is found that was compiled before."""
    fresh = folder()
    before = os.environ.get("TORCHINDUCTOR_CACHE_DIR")
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(fresh)
    try:
        with torch._inductor.config.patch(force_disable_caches=True):
            yield fresh
    finally:
        if before is None:
            del os.environ["TORCHINDUCTOR_CACHE_DIR"]
        else:
            os.environ["TORCHINDUCTOR_CACHE_DIR"] = before


def refusal(attempt: typing.Callable[[], typing.Any]) -> BaseException | None:
    """The exception that the attempt ends with, None where it succeeds."""
    try:
        attempt()
    except Exception as error:  # noqa: BLE001 - whichever it is: the class is a part of the answer
        return error
    return None


def words_of(error: BaseException) -> str:
    """Class and first line of an error."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return type(error).__name__ + (f" ({lines[0][:200]})" if lines else "")


def answer(holds: bool, words: str) -> None:
    """The last line of a script."""
    print(f"{'true' if holds else 'false'}: torch {torch.__version__.split('+')[0]}: {words}", flush=True)
