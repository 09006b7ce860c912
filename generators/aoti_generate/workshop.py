# SPDX-License-Identifier: Apache-2.0
"""Where the workers of one driver work, and what of it outlives them.

<root>/work/<random>/   TMPDIR of one driver's workers: locked while it lives, removed when it ends, or by the next one where it was killed
<root>/kept/            precompiled headers (300 MB) and the compiler probes of the vector ISA: 20 s of work, hard-linked into each work folder

Inductor would share one folder between all processes, and takes whatever file it finds there for a whole one. A compiler killed half-way
(Ctrl-C, out of memory) would then break every later build: a torn header is a fatal error, a torn probe silently yields scalar kernels.
So drivers share nothing that is still being written, and only what a build without a dead worker leaves is kept.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import typing
from pathlib import Path

# As Inductor lays them out below TMPDIR and TORCHINDUCTOR_CACHE_DIR: packages lie in folders with longer names. Where another release of
# torch does it otherwise, only the time is lost.
_KEPT = ("torchinductor_*/precompiled_headers/*", "inductor/??/*")


class Workshop:
    """One driver's work folder."""

    def __init__(self, folder: Path, kept: Path) -> None:
        self.folder = folder
        self._kept = kept

    def environment(self) -> dict[str, str]:
        """What tells a worker and its compilers to stay in here. Inductor puts precompiled headers under TMPDIR whatever its cache is called."""
        return {"TMPDIR": str(self.folder), "TORCHINDUCTOR_CACHE_DIR": str(self.folder / "inductor")}

    def keep(self) -> None:
        """Keeps headers and probes for the next build. Call it only when every compiler has ended by itself."""
        for pattern in _KEPT:
            for path in self.folder.glob(pattern):
                if path.is_file():
                    _link(path, self._kept / path.relative_to(self.folder))


def has_headers(root: Path) -> bool:
    """Whether an earlier build left precompiled headers, whatever torch they are of."""
    return (root / "kept").exists()


@contextlib.contextmanager
def workshop(root: Path) -> typing.Iterator[Workshop]:
    """A work folder below `root` for as long as the context lasts."""
    work = root / "work"
    work.mkdir(parents=True, exist_ok=True)
    with _locked(work):
        for left_over in work.iterdir():
            with contextlib.suppress(BlockingIOError, NotADirectoryError), _locked(left_over, fcntl.LOCK_NB):
                shutil.rmtree(left_over, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(dir=work, prefix=""))
        living = os.open(folder, os.O_RDONLY)
        fcntl.flock(living, fcntl.LOCK_EX)
    try:
        for path in (root / "kept").rglob("*"):
            if path.is_file():
                _link(path, folder / path.relative_to(root / "kept"))
        yield Workshop(folder, root / "kept")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(living)


@contextlib.contextmanager
def _locked(folder: Path, how: int = 0) -> typing.Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | how)
        yield
    finally:
        os.close(descriptor)


def _link(source: Path, target: Path) -> None:
    with contextlib.suppress(OSError):  # it exists already, or the file system has no hard links: then the next build takes longer
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(source, target)
