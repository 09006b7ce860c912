# SPDX-License-Identifier: Apache-2.0
"""Answers to claims, kept in the store beside the packages: <root>/claims/<key>.json. A hit needs no torch."""

from __future__ import annotations

import json
import typing
from pathlib import Path

from . import plan
from .claim import Claim, shared_files
from .store import Toolchain, sha256

_FIELDS = {"claim", "answer", "words", "seconds"}


class Answers:
    """What the scripts said on one toolchain. They may be written by several processes at a time."""

    def __init__(self, root: Path, toolchain: Toolchain) -> None:
        self._root = root
        self._toolchain = toolchain

    def find(self, claim: Claim) -> dict[str, typing.Any] | None:
        """None where the script must run."""
        try:
            answer = json.loads(self._path(claim).read_text())
        except (OSError, ValueError):
            return None
        whole = isinstance(answer, dict) and answer.keys() == _FIELDS and answer["answer"] in ("true", "false") and isinstance(answer["words"], str)
        return answer if whole else None

    def add(self, claim: Claim, answer: dict[str, typing.Any]) -> None:
        """Keeps what the script said."""
        plan.write_atomically(self._path(claim), json.dumps(answer, indent=1) + "\n")

    def _path(self, claim: Claim) -> Path:
        shared = [file.read_bytes() for file in shared_files(claim.file.parent)]
        return self._root / "claims" / f"{sha256(claim.name, claim.file.read_bytes(), self._toolchain.key(), *shared)}.json"
