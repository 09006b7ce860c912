# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for the tests of this folder: a torch folder, a compiler, cases, and a worker that compiles nothing.

python fakes.py drive build ...    `python -m aoti_generate build ...` with this worker; FAKE_HOSTILE names a hostile package that cannot be made
python fakes.py work ...           the worker; FAKE_WORKER maps a case or claim, or "*", to what happens to it; "newer": the case needs a later torch
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import typing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # each test file also runs on its own

from aoti_generate import __main__, crew, hostile, plan, store
from aoti_generate.answers import Answers
from aoti_generate.case import Case, all_cases
from aoti_generate.claim import all_claims
from aoti_generate.store import Toolchain

GENERATORS = plan.GENERATORS
COMPILER_SAYS = "CppCompileError: error: 'frobnicate' was not declared"


def torch_folder(parent: Path) -> Path:
    """A folder with the one file of torch that is read without importing it."""
    folder = parent / "torch"
    folder.mkdir()
    (folder / "version.py").write_text("__version__ = '9.9.9'\ngit_version = '0123abcd'\n")
    return folder


def fatbinary(folder: Path) -> Path:
    """A program of the CUDA Toolkit, which is there on every machine then."""
    command = folder / "toolkit" / "fatbinary"
    command.parent.mkdir(exist_ok=True)
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    return command


def compiler(parent: Path) -> Path:
    """A compiler that only knows its version."""
    path = parent / "fake-c++"
    path.write_text("#!/bin/sh\necho 'fake-c++ 1.0'\n")
    path.chmod(0o755)
    return path


def toolchain(**changed: str) -> Toolchain:
    """A toolchain without a machine behind it."""
    return Toolchain(
        **{"torch_root": Path("torch"), "torch_version": "9.9.9", "torch_git": "0", "compiler": "c++ 1", "isa": "x86_64 avx2", **changed}
    )


def a_case(file: Path, model: typing.Callable[[], typing.Any] = object, **fields: typing.Any) -> Case:
    """A finished case of one input x, float32 [2, 3], unless `inputs` are given."""
    made = Case("fake", "S0", "A case for a test.", file, 1, builder=model, **fields)
    if not made.inputs:
        made.input("x", "float32", (2, 3))
    made.finish()
    return made


NO_FILES = b"PK\x05\x06" + bytes(18)  # a whole zip archive, as short as one can be


def facts_of(case: Case, packages: store.Store, content: bytes) -> dict[str, typing.Any]:
    """Stores `content` as if it were the package of a case, with a program, and returns its facts."""
    key = hashlib.sha256(content).hexdigest()
    plan.write_atomically(packages.content_path(key), content)
    plan.write_atomically(packages.program_path(key), NO_FILES)
    return {
        "case": case.name,
        "content": key,
        "sha256": key,
        "bytes": len(content),
        "compiled": True,
        "seconds": 0.5,
        "exported_inputs": [[2, {"min": 1, "max": 4}]],
        "copies": {"to_cuda": 0, "to_cpu": 0},
        "operators": ["aten.add.Tensor", "aten.linear.default"],
        "eager_error": {"example": [0.25, None]},
        "constants": [{"names": ["weight"], "kind": "param", "dtype": "float32", "shape": [2, 3], "device": "cpu", "by_formula": True}],
        **packages.toolchain.facts(),
    }


def _work(torch_root: Path, root: Path) -> None:
    behaviours = json.loads(os.environ.get("FAKE_WORKER", "{}"))
    packages = store.Store(root, store.find_toolchain(torch_root))
    answers = Answers(root, packages.toolchain)
    cases = {case.name: case for case in all_cases()}
    claims = {claim.name: claim for claim in all_claims()}
    for line in sys.stdin:
        request = json.loads(line)
        name = request["name"]
        behaviour = behaviours.get(name, behaviours.get("*", "compile"))
        answer: dict[str, typing.Any] = {"failed": COMPILER_SAYS}
        if behaviour == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if behaviour == "hang":
            subprocess.run(["sleep", "600"])  # a compiler under the worker
        if behaviour == "compile" and request["do"] == "try":
            answer = {"ok": {"claim": name, "answer": "false", "words": "seen by a stand-in", "seconds": 0.5}}
            answers.add(claims[name], answer["ok"])
        elif behaviour == "compile":
            case = cases[name]
            try:
                facts = facts_of(case, packages, case.name.encode())
                packages.add(packages.action_key(case), facts)
                answer = {"ok": facts}
            except OSError as error:
                answer = {"failed": f"OSError: {error}"}
        print(json.dumps(answer), flush=True)


class Driver:
    """Runs `build` with the fake worker in a process of its own, below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "store"
        self.manifest = folder / "packages.json"
        self._mark = f"{folder}-{time.monotonic()}"
        toolkit = os.pathsep.join([os.environ.get("PATH", ""), str(fatbinary(folder).parent)])
        self.environment = {**os.environ, "CXX": str(compiler(folder)), "PATH": toolkit, "FAKE_MARK": self._mark}
        self.torch = torch_folder(folder)

    def start(
        self,
        *arguments: str,
        verb: str = "build",
        behaviour: dict[str, str] | None = None,
        before: typing.Callable[[], None] | None = None,
    ) -> subprocess.Popen[str]:
        """A running driver; stderr is a pipe."""

        def prepare() -> None:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a test that runs in the background of a shell inherits an ignored one
            if before:
                before()

        return subprocess.Popen(
            [sys.executable, __file__, "drive", verb, *arguments, "--torch", str(self.torch), "--store", str(self.store)]
            + (["--manifest", str(self.manifest)] if verb == "build" else []),
            env={**self.environment, "FAKE_WORKER": json.dumps(behaviour or {})},
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=prepare,
        )

    def run(self, *arguments: str, **named: typing.Any) -> tuple[int, str]:
        """Exit status and what was said."""
        with self.start(*arguments, **named) as process:
            said = process.communicate(timeout=60)[1]
            return process.returncode, said

    def packages(self) -> dict[str, dict[str, typing.Any]]:
        """The manifest's entries by case."""
        return {entry["case"]: entry for entry in json.loads(self.manifest.read_text())["packages"]}

    def claims(self) -> dict[str, dict[str, typing.Any]]:
        """The manifest's entries by claim."""
        return {entry["claim"]: entry for entry in json.loads(self.manifest.read_text())["claims"]}

    def hostile(self) -> dict[str, dict[str, typing.Any]]:
        """The manifest's entries by hostile package."""
        return {entry["hostile"]: entry for entry in json.loads(self.manifest.read_text())["hostile"]}

    def alive(self) -> dict[int, str]:
        """Command lines of all processes under this driver, by process id."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if f"FAKE_MARK={self._mark}".encode() in (folder / "environ").read_bytes():
                    found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
        return found


def _make(known: hostile.Hostile, good: Path, other: Path | None = None) -> bytes:
    if known.name == os.environ.get("FAKE_HOSTILE"):
        raise KeyError(".text")
    return good.read_bytes() + known.name.encode()


if __name__ == "__main__":
    if sys.argv[1] == "drive":
        for described in all_cases():
            if json.loads(os.environ.get("FAKE_WORKER", "{}")).get(described.name) == "newer":
                described.needs_torch("10.0", "a stand-in says so")
        hostile.make = _make
        crew.Worker.command = [sys.executable, __file__, "work"]
        sys.exit(__main__.main(sys.argv[2:]))
    named = dict(zip(sys.argv[2::2], sys.argv[3::2], strict=True))
    _work(Path(named["--torch"]), Path(named["--store"]))
