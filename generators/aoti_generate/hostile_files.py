# SPDX-License-Identifier: Apache-2.0
"""Hostile packages in the store: <root>/hostile/<key>.json says which file an alteration gives, <root>/hostile/<sha256>.pt2 is that file.

The key is made of the good packages' hashes and the sources of the alterations: an edit of those makes all anew, and writes only what differs.
"""

from __future__ import annotations

import hashlib
import json
import typing
from pathlib import Path

from . import archive, hostile, plan
from .hostile import Hostile
from .store import sha256


class HostileFiles:
    """Those of one store. They may be written by several processes at a time."""

    def __init__(self, root: Path) -> None:
        self._root = root / "hostile"
        self._sources = [Path(module.__file__).read_bytes() for module in (archive, hostile)]

    def find(self, known: Hostile, packages: dict[str, dict[str, typing.Any]]) -> dict[str, typing.Any] | None:
        """The manifest's entry; None where the file must be made. `packages` are the manifest's, by case."""
        if any("path" not in package for package in _goods(known, packages)):
            return None
        try:
            facts = json.loads(self._facts(known, packages).read_text())
            whole = self._path(facts["sha256"]).stat().st_size == facts["bytes"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return self._entry(known, facts) if whole else None

    def make(self, known: Hostile, packages: dict[str, dict[str, typing.Any]]) -> dict[str, typing.Any]:
        """The manifest's entry of a file that is made now, or why it cannot be."""
        for case, package in zip(_made_from(known), _goods(known, packages), strict=True):
            if "path" not in package:
                return {"hostile": known.name, "failed": f"there is no package of {case} to make it from"}
        try:
            made = hostile.make(known, *(Path(package["path"]) for package in _goods(known, packages)))
        except Exception as error:  # noqa: BLE001 - whatever the alteration raises is the answer
            return {"hostile": known.name, "failed": f"{type(error).__name__}: {error}"}
        facts = {"sha256": hashlib.sha256(made).hexdigest(), "bytes": len(made)}
        plan.write_atomically(self._path(facts["sha256"]), made)
        plan.write_atomically(self._facts(known, packages), json.dumps(facts) + "\n")
        return self._entry(known, facts)

    def _entry(self, known: Hostile, facts: dict[str, typing.Any]) -> dict[str, typing.Any]:
        return {"hostile": known.name, "path": str(self._path(facts["sha256"])), "sha256": facts["sha256"], "bytes": facts["bytes"]}

    def _path(self, content: str) -> Path:
        return self._root / f"{content}.pt2"

    def _facts(self, known: Hostile, packages: dict[str, dict[str, typing.Any]]) -> Path:
        return self._root / f"{sha256(known.name, *(package['sha256'] for package in _goods(known, packages)), *self._sources)}.json"


def _made_from(known: Hostile) -> list[str]:
    return [known.made_from, known.other] if known.other else [known.made_from]


def _goods(known: Hostile, packages: dict[str, dict[str, typing.Any]]) -> list[dict[str, typing.Any]]:
    return [packages.get(case, {}) for case in _made_from(known)]
