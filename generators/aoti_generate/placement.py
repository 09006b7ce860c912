# SPDX-License-Identifier: Apache-2.0
"""On which device the parts of a hybrid program lie: on the CPU while its reference is computed, on their own while it is compiled."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import subprocess
import typing
from pathlib import Path

_on_devices = False


def cuda() -> str:
    """The device of a part that runs on CUDA, for `torch.Tensor.to` and `device=` in a model's code."""
    return place_of("cuda")


def place_of(device: str) -> str:
    """Where what belongs on `device` lies now."""
    return device if _on_devices else "cpu"


@contextlib.contextmanager
def on_devices() -> typing.Iterator[None]:
    """While it lasts, cuda() says so."""
    global _on_devices
    before, _on_devices = _on_devices, True
    try:
        yield
    finally:
        _on_devices = before


def cuda_devices() -> list[str]:
    """Name and compute capability of each CUDA device, for example "NVIDIA H200, 9.0". Imports no torch, and leaves this process, which forks,
    without a CUDA context."""
    command = ["nvidia-smi", "--query-gpu=name,compute_cap", "--format=csv,noheader"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [line.strip() for line in asked.stdout.splitlines() if line.strip()] if asked.returncode == 0 else []


def _site_packages() -> Path | None:
    """Where torch and what it depends on are installed. Imports no torch."""
    torch = importlib.util.find_spec("torch")
    return Path(torch.submodule_search_locations[0]).parent if torch and torch.submodule_search_locations else None


def pretended_device() -> bool:
    """Is the script here that starts a process on the pretended CUDA device? AOTI_CTS_PRETEND names it."""
    return Path(os.environ.get("AOTI_CTS_PRETEND", "")).is_file()


def cuda_headers() -> bool:
    """Are the headers here that the library of a package for CUDA includes? A toolkit has them, and so have the wheels of some releases of torch."""
    site = _site_packages()
    places = [site / "nvidia" / "cu13" / "include"] if site else []
    places += [home / "include" for home in _toolkits()]
    return any((place / "nv" / "target").is_file() or (place / "cccl" / "nv" / "target").is_file() for place in places)


def fatbinary() -> Path | None:
    """The toolkit's program that joins kernels for several architectures into one file. No wheel that torch depends on has it."""
    places = [str(home / "bin") for home in _toolkits()]
    found = shutil.which("fatbinary") or shutil.which("fatbinary", path=os.pathsep.join(places))
    return Path(found) if found else None


def _toolkits() -> list[Path]:
    """Where a CUDA Toolkit may be installed."""
    return [Path(home) for home in (os.environ.get("CUDA_HOME"), os.environ.get("CUDA_PATH"), "/usr/local/cuda") if home]


def for_compilers() -> dict[str, str]:
    """The environment in which compilers find CUDA's headers: where there is no toolkit those of torch's own wheels, and what these leave out in
    Triton's. Kernels for several architectures are for the one that is compiled for and, as PTX, for newer ones, whatever else is wished for."""
    site = _site_packages()
    if site is None:
        return {}
    triton = site / "triton" / "backends" / "nvidia" / "include"
    found = {"CPATH": os.pathsep.join(filter(None, [os.environ.get("CPATH"), str(triton)])), "TORCH_CUDA_ARCH_LIST": ""}
    joins = fatbinary()
    if joins is not None:
        found["PATH"] = os.pathsep.join(filter(None, [os.environ.get("PATH"), str(joins.parent)]))
    if not any((home / "include" / "cuda.h").is_file() for home in _toolkits()):
        found["CUDA_HOME"] = str(site / "nvidia" / "cu13")
    return found
