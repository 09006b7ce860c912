# SPDX-License-Identifier: Apache-2.0
"""The driver of `build` and `bless`: looks up the store, spreads what is missing over worker processes, reports, survives Ctrl-C.

Its answer is the manifest: one entry per case, with the package or with the reason why there is none. A failed compile is data here; the
suite turns it into failures of the case's tests.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import statistics
import subprocess
import sys
import threading
import time
import typing
from dataclasses import dataclass
from pathlib import Path

from . import plan
from .case import Case, CaseError, all_cases
from .store import Store, find_toolchain
from .workshop import Workshop, has_headers, workshop

# What the first estimate is made of, until packages have been measured.
SECONDS_PER_PACKAGE = 6.0
SECONDS_TO_START = 8.0  # import of torch, first export
SECONDS_FOR_HEADERS = 22.0


@dataclass(frozen=True)
class Settings:
    """Where things are, and how many workers may run."""

    torch_root: Path | None
    store_root: Path
    golden: Path
    jobs: int


class Worker:
    """One `python -m aoti_generate worker`, in a session of its own so that Ctrl-C reaches only the driver."""

    command: typing.ClassVar[list[str]] = [sys.executable, "-m", "aoti_generate", "worker"]

    def __init__(self, number: int, settings: Settings, torch_root: Path, shop: Workshop) -> None:
        self._number = number
        self._settings = settings
        self._torch_root = torch_root
        self._shop = shop
        self._process: subprocess.Popen[str] | None = None
        self._starting = threading.Lock()
        self.stopped = False
        self.died = False

    def ask(self, request: dict[str, str]) -> dict[str, typing.Any]:
        """Sends one request. A worker that dies fails this request only; the next one gets a new process."""
        process = self._running()
        if process is None:
            return {"failed": "interrupted"}
        assert process.stdin and process.stdout
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            line = ""
        if line:
            return typing.cast(dict[str, typing.Any], json.loads(line))
        self.died = True
        code = process.wait()
        self._end(process)
        self._process = None
        return {"failed": f"the generator process died ({_exit_words(code)}); its output is in {log_path(self._settings)}"}

    def stop(self) -> None:
        """Kills the worker and the compilers under it, for good: a request that fails by it starts no new process."""
        with self._starting:
            self.stopped = True
        if self._process:
            self._end(self._process)

    def _running(self) -> subprocess.Popen[str] | None:
        with self._starting:
            if self._process is None and not self.stopped:
                self._process = self._start()
            return None if self.stopped else self._process

    def _end(self, process: subprocess.Popen[str]) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _start(self) -> subprocess.Popen[str]:
        arguments = ["--torch", str(self._torch_root), "--store", str(self._settings.store_root), "--golden", str(self._settings.golden)]
        environment = {"TORCHINDUCTOR_COMPILE_THREADS": "1", "PYTHONPATH": str(plan.GENERATORS), "AOTI_CTS_WORKER": str(self._number)}
        with log_path(self._settings).open("a") as log:
            return subprocess.Popen(
                [*self.command, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **self._shop.environment(), **environment},
                start_new_session=True,
            )


def log_path(settings: Settings) -> Path:
    """What torch and the compilers of the latest build printed."""
    return settings.store_root / "build.log"


def _exit_words(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit status {code}"


class Progress:
    """A bar on a terminal, a line per package in a log; both with an estimate of what is left."""

    def __init__(self, total: int, jobs: int, what: str) -> None:
        self._total, self._jobs, self._what = total, jobs, what
        self._seconds: list[float] = []
        self._bar: typing.Any = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            # tqdm's own estimate counts the first packages, which wait for torch and the headers, as much as the others
            layout = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"
            self._bar = tqdm(total=total, desc=what, unit="package", dynamic_ncols=True, file=sys.stderr, bar_format=layout)

    def say(self, text: str) -> None:
        """A line that does not tear the bar."""
        if self._bar is not None:
            self._bar.write(text, file=sys.stderr)
        else:
            print(text, file=sys.stderr, flush=True)

    def step(self, name: str, seconds: float, failed: bool) -> None:
        """One package is done, after `seconds`."""
        self._seconds.append(seconds)
        left = self.left()
        words = f", about {left:.0f} s left" if left else ""
        if self._bar is not None:
            self._bar.set_postfix_str(name + words, refresh=False)
            self._bar.update(1)
            return
        took = f"FAILED after {seconds:.1f} s" if failed else f"{seconds:.1f} s"
        self.say(f"[{len(self._seconds)}/{self._total}] {self._what} {name}: {took}{words}")

    def left(self) -> float:
        """Seconds until all are done, from the median of those after each worker's first."""
        ordinary = self._seconds[self._jobs :]
        each = statistics.median(ordinary) if ordinary else SECONDS_PER_PACKAGE
        return each * (self._total - len(self._seconds)) / self._jobs

    def close(self) -> None:
        """Leaves the terminal as it was."""
        if self._bar is not None:
            self._bar.close()


def select(names: typing.Sequence[str]) -> list[Case]:
    """The named cases, all where none is named."""
    cases = all_cases()
    unknown = [name for name in names if name not in {case.name for case in cases}]
    if unknown:
        raise CaseError(f"no case is called {', '.join(unknown)}: ./aoti-cts list --cases names them all")
    return [case for case in cases if not names or case.name in names]


def work_through(cases: list[Case], do: str, settings: Settings, torch_root: Path, what: str) -> dict[str, dict[str, typing.Any]]:
    """Answers per case. All workers start at once: those that need the same header or probe wait for each other at Inductor's own locks."""
    answers: dict[str, dict[str, typing.Any]] = {}
    broken: list[OSError] = []
    todo: queue.SimpleQueue[Case] = queue.SimpleQueue()
    for case in cases:
        todo.put(case)
    jobs = max(1, min(settings.jobs, len(cases)))
    lock = threading.Lock()

    def loop(worker: Worker) -> None:
        with contextlib.suppress(queue.Empty):
            while not broken:
                case = todo.get_nowait()
                began = time.monotonic()
                try:
                    answer = worker.ask({"do": do, "case": case.name})
                except OSError as error:  # no process can be started: that is nothing a case did
                    broken.append(error)
                    return
                if worker.stopped:
                    return
                with lock:
                    answers[case.name] = answer
                    progress.step(case.name, time.monotonic() - began, "failed" in answer)

    with workshop(settings.store_root) as shop:
        log_path(settings).write_text("")
        workers = [Worker(number, settings, torch_root, shop) for number in range(jobs)]
        progress = Progress(len(cases), jobs, what)
        threads = [threading.Thread(target=loop, args=(worker,), daemon=True) for worker in workers]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.2)
            if not broken and not any(worker.died for worker in workers):
                shop.keep()
        finally:
            for worker in workers:
                worker.stop()
            progress.close()
    if broken:
        raise broken[0]
    return answers


def build(settings: Settings, names: typing.Sequence[str], manifest: Path) -> int:
    """Makes sure the named packages are in the store and writes the manifest of all that are. Returns how many named cases have none."""
    selected = {case.name for case in select(names)}
    cases = all_cases()
    store = Store(settings.store_root, find_toolchain(settings.torch_root))
    found = {case.name: store.find(store.action_key(case)) for case in cases}
    missing = [case for case in cases if found[case.name] is None and case.name in selected]
    failures: dict[str, str] = {}
    if missing:
        headers = 0 if has_headers(settings.store_root) else SECONDS_FOR_HEADERS
        estimate = SECONDS_TO_START + headers + SECONDS_PER_PACKAGE * len(missing) / max(1, min(settings.jobs, len(missing)))
        print(
            f"compiling {len(missing)} of {len(selected)} packages with torch {store.toolchain.torch_version}, about {estimate:.0f} s",
            file=sys.stderr,
        )
        answers = work_through(missing, "compile", settings, store.toolchain.torch_root, "compiled")
        for name, answer in answers.items():
            found[name] = answer.get("ok")
            if "failed" in answer:
                failures[name] = answer["failed"]
                print(f"no package for {name}: {answer['failed']}", file=sys.stderr)
    known = [case for case in cases if case.name in selected or found[case.name] is not None]
    entries = [_entry(case, store, found[case.name], failures.get(case.name)) for case in known]
    written = {"schema": 1, "toolchain": store.toolchain.facts(), "torch_root": str(store.toolchain.torch_root), "packages": entries}
    plan.write_atomically(manifest, json.dumps(written, indent=1) + "\n")
    compiled = sum(1 for case in missing if (found[case.name] or {}).get("compiled"))
    print(f"{len(selected) - len(failures)} of {len(selected)} packages ready, {compiled} compiled now", file=sys.stderr)
    return len(failures)


def _entry(case: Case, store: Store, facts: dict[str, typing.Any] | None, failure: str | None) -> dict[str, typing.Any]:
    if facts is None:
        return {"case": case.name, "failed": failure or "not built"}
    keep = ("sha256", "bytes", "seconds", "exported_inputs", "eager_error", "torch", "torch_git", "compiler", "isa")
    return {"case": case.name, "path": str(store.content_path(facts["content"])), **{key: facts[key] for key in keep}}


def bless(settings: Settings, names: typing.Sequence[str], approve: bool) -> int:
    """Writes `.unapproved` goldens and says what differs, or renames those that a person has read. Returns the number of failures."""
    if approve:
        waiting = [p for p in sorted(settings.golden.glob("*.unapproved")) if not names or p.name.split(".")[0] in names]
        if not waiting:
            print(f"nothing to approve in {settings.golden}: run bless without --approve first", file=sys.stderr)
            return 1
        for path in waiting:
            path.replace(path.with_suffix(""))
            print(f"approved {path.with_suffix('').name}", file=sys.stderr)
        return 0
    cases = select(names)
    toolchain = find_toolchain(settings.torch_root)
    for case in cases:  # what an earlier bless wrote must not be taken for this one's
        for stale in settings.golden.glob(f"{case.name}.*.unapproved"):
            stale.unlink()
    answers = work_through(cases, "bless", settings, toolchain.torch_root, "reference of")
    failed = 0
    for case in cases:
        answer = answers[case.name]
        if "failed" in answer:
            failed += 1
            print(f"{case.name}: no reference: {answer['failed']}", file=sys.stderr)
        for change in answer.get("ok", []):
            print(f"{case.name}: {change}")
    waiting = len(list(settings.golden.glob("*.json.unapproved")))
    what_next = f"; read {settings.golden}/*.unapproved, then: ./aoti-cts bless --approve" if waiting else ""
    print(f"{waiting} goldens differ or are new{what_next}", file=sys.stderr)
    return failed
