# SPDX-License-Identifier: Apache-2.0
"""Worker processes of a driver: starting and stopping them, spreading work over them, telling how far it is."""

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

from . import placement, plan
from .workshop import Workshop, workshop


@dataclass(frozen=True)
class Settings:
    """Where things are, and how many workers may run."""

    torch_root: Path | None
    store_root: Path
    golden: Path
    jobs: int


@dataclass(frozen=True)
class Pass:
    """One kind of work."""

    do: str  # as a worker is asked
    what: str  # as it is told: "compiled mlp_static"
    seconds: float  # each takes, until some have been measured
    log: str  # file in the store for what torch and the compilers print
    keeps: bool  # headers and probes for the next build: not where something else than the compiler of packages may write them


COMPILE = Pass("compile", "compiled", 6.0, "build.log", keeps=True)
BLESS = Pass("bless", "reference of", 6.0, "build.log", keeps=True)
TRY = Pass("try", "tried", 6.0, "claims.log", keeps=False)


class Worker:
    """One `python -m aoti_generate worker`, in a session of its own so that Ctrl-C reaches only the driver."""

    command: typing.ClassVar[list[str]] = [sys.executable, "-m", "aoti_generate", "worker"]

    def __init__(self, number: int, settings: Settings, torch_root: Path, shop: Workshop, compilers: dict[str, str], log: Path) -> None:
        self._number = number
        self._settings = settings
        self._log = log
        self._torch_root = torch_root
        self._shop = shop
        self._compilers = compilers  # what they are told in the environment
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
        return {"failed": f"the generator process died ({_exit_words(code)}); its output is in {self._log}"}

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
        environment["AOTI_PRETENDED_CUDA_IDLE"] = "1"  # kernels are measured on memory that holds anything: there they must not use it
        with self._log.open("a") as log:
            return subprocess.Popen(
                [*self.command, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **self._shop.environment(), **self._compilers, **environment},
                start_new_session=True,
            )


def _exit_words(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit status {code}"


class Progress:
    """A bar on a terminal, a line per package or claim in a log; both with an estimate of what is left."""

    def __init__(self, total: int, jobs: int, work: Pass) -> None:
        self._total, self._jobs, self._work = total, jobs, work
        self._seconds: list[float] = []
        self._bar: typing.Any = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            # tqdm's own estimate counts the first ones, which wait for torch and the headers, as much as the others
            layout = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"
            self._bar = tqdm(total=total, desc=work.what, dynamic_ncols=True, file=sys.stderr, bar_format=layout)

    def say(self, text: str) -> None:
        """A line that does not tear the bar."""
        if self._bar is not None:
            self._bar.write(text, file=sys.stderr)
        else:
            print(text, file=sys.stderr, flush=True)

    def step(self, name: str, seconds: float, failed: bool) -> None:
        """One is done, after `seconds`."""
        self._seconds.append(seconds)
        left = self.left()
        words = f", about {left:.0f} s left" if left else ""
        if self._bar is not None:
            self._bar.set_postfix_str(name + words, refresh=False)
            self._bar.update(1)
            return
        took = f"FAILED after {seconds:.1f} s" if failed else f"{seconds:.1f} s"
        self.say(f"[{len(self._seconds)}/{self._total}] {self._work.what} {name}: {took}{words}")

    def left(self) -> float:
        """Seconds until all are done, from the median of those after each worker's first."""
        ordinary = self._seconds[self._jobs :]
        each = statistics.median(ordinary) if ordinary else self._work.seconds
        return each * (self._total - len(self._seconds)) / self._jobs

    def close(self) -> None:
        """Leaves the terminal as it was."""
        if self._bar is not None:
            self._bar.close()


def work_through(names: list[str], work: Pass, settings: Settings, torch_root: Path) -> dict[str, dict[str, typing.Any]]:
    """Answers per case or claim. All workers start at once: those that need the same header or probe wait for each other at Inductor's own locks."""
    answers: dict[str, dict[str, typing.Any]] = {}
    broken: list[OSError] = []
    todo: queue.SimpleQueue[str] = queue.SimpleQueue()
    for name in names:
        todo.put(name)
    jobs = max(1, min(settings.jobs, len(names)))
    lock = threading.Lock()

    def loop(worker: Worker) -> None:
        with contextlib.suppress(queue.Empty):
            while not broken:
                name = todo.get_nowait()
                began = time.monotonic()
                try:
                    answer = worker.ask({"do": work.do, "name": name})
                except OSError as error:  # no process can be started: that is nothing it did
                    broken.append(error)
                    return
                if worker.stopped:
                    return
                with lock:
                    answers[name] = answer
                    progress.step(name, time.monotonic() - began, "failed" in answer)

    with workshop(settings.store_root) as shop:
        log = settings.store_root / work.log
        log.write_text("")
        compilers = placement.for_compilers() if placement.cuda_devices() else {}
        workers = [Worker(number, settings, torch_root, shop, compilers, log) for number in range(jobs)]
        progress = Progress(len(names), jobs, work)
        threads = [threading.Thread(target=loop, args=(worker,), daemon=True) for worker in workers]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.2)
            if work.keeps and not broken and not any(worker.died for worker in workers):
                shop.keep()
        finally:
            for worker in workers:
                worker.stop()
            progress.close()
    if broken:
        raise broken[0]
    return answers
