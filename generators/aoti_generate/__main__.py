# SPDX-License-Identifier: Apache-2.0
"""Command line of the generators; the suite's `build` and `bless` end here."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
import threading
from pathlib import Path

from . import build, crew, plan
from .case import CaseError
from .store import ToolchainError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="aoti_generate", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    planning = verbs.add_parser("plan", help="write cases.json; needs no torch")
    planning.add_argument("--out", type=Path, required=True)
    building = verbs.add_parser("build", help="compile what the store lacks and write the manifest")
    building.add_argument("--manifest", type=Path, required=True)
    building.add_argument("--keep-going", action="store_true", help="exit 0 although a case has no package: its tests will say so")
    building.add_argument("--profile", choices=["default", "full"], default="default", help="what is compiled where nothing is named")
    blessing = verbs.add_parser("bless", help="write .unapproved goldens, or approve them")
    blessing.add_argument("--approve", action="store_true")
    worker = verbs.add_parser("worker", help=argparse.SUPPRESS)
    for verb in (building, blessing, worker):
        verb.add_argument("--torch", type=Path, help="folder of the torch package (default: the one this Python imports)")
        verb.add_argument("--store", type=Path, required=True, help="folder of the package store")
        verb.add_argument("--golden", type=Path, default=plan.GENERATORS.parent / "golden")
    for verb in (building, blessing):
        verb.add_argument("--jobs", "-j", type=int, default=os.cpu_count() or 1)
        verb.add_argument("cases", nargs="*", help="only these; build takes names of claims too")
    return parser


_HINTS = {
    errno.ENOSPC: "free some space or set AOTI_CTS_HOME to a larger disk",
    errno.EDQUOT: "the quota is used up: free some space or set AOTI_CTS_HOME to another disk",
    errno.EFBIG: "the limit on the size of a file is too low: raise it (ulimit -f)",
    errno.EACCES: "make it writable or set AOTI_CTS_HOME to a folder that is",
    errno.EPERM: "make it writable or set AOTI_CTS_HOME to a folder that is",
    errno.EROFS: "set AOTI_CTS_HOME to a folder on a writable disk",
}


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status: 0 done, 1 a case failed, 2 cannot even begin, 130 interrupted."""
    options = _parser().parse_args(arguments)
    try:
        if options.verb == "plan":
            plan.write_plan(options.out)
            return 0
        if options.verb == "worker":
            from . import worker

            return worker.serve(options.torch, options.store, options.golden)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.default_int_handler)  # a driver that is told to end takes its workers with it
        settings = crew.Settings(options.torch, options.store, options.golden, options.jobs)
        if options.verb == "build":
            failures = build.build(settings, options.cases, options.manifest, options.profile)
            return 0 if options.keep_going or not failures else 1
        return 1 if build.bless(settings, options.cases, options.approve) else 0
    except KeyboardInterrupt:
        print("interrupted: finished packages are kept; the same command goes on from here", file=sys.stderr)
        return 130
    except (CaseError, ToolchainError) as error:
        print(f"error: {error}", file=sys.stderr)
    except OSError as error:
        place = error.filename or getattr(options, "store", None) or options.out
        hint = _HINTS.get(error.errno or 0, "check that the path exists and can be used")
        print(f"error: {place}: {error.strerror or error}; {hint}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
