# SPDX-License-Identifier: Apache-2.0
"""The package store: compiled packages under two keys.

action   what was asked: generator sources, the case, torch build, compiler, ISA. A hit needs no torch at all.
content  what was exported: the canonical ExportedProgram with torch build, compiler, ISA, options. A moved or reformatted case file
         misses the first key and hits the second: it is exported again, and nothing is compiled.

Layout: <root>/action/<key>.json (facts), <root>/content/<key>.pt2, and beside it <key>.program.pt2, the ExportedProgram it was compiled from.
Entries are written beside and renamed, so writers may race.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import typing
import zipfile
from dataclasses import dataclass
from pathlib import Path

from . import plan
from .case import Case
from .placement import cuda_devices

_SOURCES = (
    "case.py",
    "compile.py",
    "cross.py",
    "formula.py",
    "placement.py",
    "sources.py",
    "store.py",
    "triton_kernels.py",
)  # what decides the bytes of a package, beside the case file


def sha256(*parts: str | bytes) -> str:
    """Hash of the parts, each preceded by its length."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


@dataclass(frozen=True)
class Toolchain:
    """What beside the program decides the bytes of a package, found without importing torch."""

    torch_root: Path
    torch_version: str
    torch_git: str
    compiler: str
    isa: str
    cuda_device: str = ""  # name and compute capability of the first one; empty: none
    cuda_devices: int = 1  # how many, where there is one: that makes no package another

    def key(self, device: str = "cpu") -> str:
        """Part of both keys of a program for `device`: where torch lies is not in it."""
        return sha256(self.torch_version, self.torch_git, self.compiler, self.isa, *([self.cuda_device] if device != "cpu" else []))

    def key_of(self, case: Case) -> str:
        """The same of a case: what is compiled for a device that is not there is the same on every machine."""
        return self.key("cpu" if case.compiled_for else case.device)

    def facts(self) -> dict[str, str]:
        """What the manifest says of it."""
        return {"torch": self.torch_version, "torch_git": self.torch_git, "compiler": self.compiler, "isa": sha256(self.isa)[:16]}


class ToolchainError(Exception):
    """Something packages cannot be built without is missing: the text names it and the fix."""


def find_toolchain(torch_root: Path | None) -> Toolchain:
    """Reads torch/version.py, asks the compiler for its version and the processor for its features."""
    if torch_root is None:
        import importlib.util

        spec = importlib.util.find_spec("torch")
        if spec is None or not spec.submodule_search_locations:
            raise ToolchainError("torch is not installed in this Python: run ./aoti-cts setup, or name an environment with AOTI_CTS_TORCH")
        torch_root = Path(spec.submodule_search_locations[0])
    version: dict[str, typing.Any] = {}
    try:
        exec((torch_root / "version.py").read_text(), version)  # noqa: S102 - torch's own file of four assignments
    except OSError as error:
        raise ToolchainError(f"{torch_root}/version.py cannot be read ({error.strerror}): is this a torch folder?") from error
    command = os.environ.get("CXX", "g++")
    if shutil.which(command) is None:
        raise ToolchainError(f"no C++ compiler: {command} is not on PATH; install g++ (apt-get install g++) or set CXX")
    asked = subprocess.run([command, "--version"], capture_output=True, text=True)
    if asked.returncode != 0 or not asked.stdout:
        raise ToolchainError(f"{command} --version fails (exit status {asked.returncode}): is CXX a C++ compiler? {asked.stderr.strip()}")
    if "__version__" not in version:
        raise ToolchainError(f"{torch_root}/version.py names no version: is this a torch folder?")
    devices = cuda_devices()
    first = devices[0] if devices else ""
    return Toolchain(torch_root, version["__version__"], str(version.get("git_version")), asked.stdout.splitlines()[0], _isa(), first, len(devices))


def _isa() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("flags", "Features")):
                return platform.machine() + " " + " ".join(sorted(line.split(":", 1)[1].split()))
    except OSError:
        pass
    return platform.machine()


class Store:
    """Packages of one toolchain below `root`."""

    def __init__(self, root: Path, toolchain: Toolchain) -> None:
        self.root = root
        self.toolchain = toolchain

    def action_key(self, case: Case) -> str:
        """Key of what is asked for; imports no torch."""
        here = Path(__file__).resolve().parent
        sources = [(here / name).read_bytes() for name in _SOURCES]
        described = plan.describe(case)
        for about_the_tests in ("line", "representative", "profile", "repeats"):
            described.pop(about_the_tests)
        options = json.dumps(case.options, sort_keys=True, default=str)
        operators = (plan.GENERATORS.parent / "runners" / "operators.cc").read_bytes() if case.operators else b""
        return sha256(case.file.read_bytes(), operators, json.dumps(described, sort_keys=True), options, self.toolchain.key_of(case), *sources)

    def content_path(self, content_key: str) -> Path:
        """Where the package of an exported program lies."""
        return self.root / "content" / f"{content_key}.pt2"

    def program_path(self, content_key: str) -> Path:
        """Where the exported program itself lies: the package's path with `.program` before its suffix."""
        return self.content_path(content_key).with_suffix(".program.pt2")

    def has_program(self, content_key: str) -> bool:
        """Whether the exported program is there, whole: a file that was cut short has lost the directory at its end."""
        return zipfile.is_zipfile(self.program_path(content_key))

    def find(self, action: str) -> dict[str, typing.Any] | None:
        """The facts of a package that is there, whole, with its program; None where either must be made."""
        try:
            facts = json.loads((self.root / "action" / f"{action}.json").read_text())
            whole = self.content_path(facts["content"]).stat().st_size == facts["bytes"] and self.has_program(facts["content"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return facts if whole else None

    def add(self, action: str, facts: dict[str, typing.Any]) -> None:
        """Stores the facts last: a package without facts is not there."""
        plan.write_atomically(self.root / "action" / f"{action}.json", json.dumps(facts, indent=1) + "\n")
