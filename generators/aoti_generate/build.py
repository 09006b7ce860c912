# SPDX-License-Identifier: Apache-2.0
"""The driver of `build` and `bless`: looks up the store, spreads what is missing over worker processes, reports, survives Ctrl-C.

Its answer is the manifest: one entry per case, with the package or with the reason why there is none, one per claim, with its answer, and one
per hostile package, with its file. A failed compile is data here; the suite turns it into failures of the case's tests.
"""

from __future__ import annotations

import json
import sys
import typing
from pathlib import Path

from . import placement, plan
from .answers import Answers
from .case import Case, CaseError, all_cases
from .claim import Claim, all_claims
from .crew import BLESS, COMPILE, TRY, Settings, work_through
from .hostile import Hostile, all_hostile
from .hostile_files import HostileFiles
from .store import Store, find_toolchain
from .workshop import has_headers

# What the first estimate is made of beside the seconds of each.
SECONDS_TO_START = 8.0  # import of torch, first export
SECONDS_FOR_HEADERS = 22.0


def select(names: typing.Sequence[str], profile: str = "default") -> tuple[list[Case], list[Claim], list[Hostile]]:
    """The named cases, claims and hostile packages with the cases that those need; where none is named, what the profile compiles."""
    cases, claims, hostile = all_cases(), all_claims(), all_hostile()
    unknown = [name for name in names if name not in {entry.name for entry in [*cases, *claims, *hostile]}]
    if unknown:
        lists = "./aoti-cts list --cases, list --claims and list --hostile name them all"
        raise CaseError(f"no case, claim or hostile package is called {', '.join(unknown)}: {lists}")
    compiled = ("default", "full") if profile == "full" else ("default",)
    chosen = {case.name for case in cases if (case.name in names if names else case.profile in compiled)}
    chosen |= {call.feed.case for case in cases if case.name in chosen for call in case.calls if call.feed}
    altered = [known for known in hostile if not names or known.name in names]
    chosen |= {good for known in altered for good in (known.made_from, known.other)}
    return [case for case in cases if case.name in chosen], [claim for claim in claims if not names or claim.name in names], altered


def build(settings: Settings, names: typing.Sequence[str], manifest: Path, profile: str = "default") -> int:
    """Makes sure that what is named is in the store and writes the manifest of all that is there. Returns how many are not."""
    cases, claims, hostile = select(names, profile)
    store = Store(settings.store_root, find_toolchain(settings.torch_root))
    packages, failed = _compile(cases, store, settings)
    answers, untried = _try(claims, store, settings)
    altered, unmade = _make(hostile, packages, settings)
    written = {
        "schema": 1,
        "toolchain": store.toolchain.facts(),
        "torch_root": str(store.toolchain.torch_root),
        "packages": packages,
        "claims": answers,
        "hostile": altered,
    }
    plan.write_atomically(manifest, json.dumps(written, indent=1) + "\n")
    return failed + untried + unmade


def _compile(selected: list[Case], store: Store, settings: Settings) -> tuple[list[dict[str, typing.Any]], int]:
    """The manifest's entries of packages, and how many of the selected cases have none."""
    cases = all_cases()
    names = {case.name for case in selected}
    found = {case.name: store.find(store.action_key(case)) for case in cases}
    toolchain = store.toolchain
    toolkit = {"pretended": placement.pretended_device(), "cuda_headers": placement.cuda_headers(), "fatbinary": placement.fatbinary() is not None}
    here = (toolchain.torch_version, toolchain.cuda_device)
    unavailable = {case.name: case.unavailable_with(*here, cuda_devices=toolchain.cuda_devices, **toolkit) for case in cases}
    missing = [case for case in selected if found[case.name] is None and not unavailable[case.name]]
    failures: dict[str, str] = {}
    if missing:
        headers = 0 if has_headers(settings.store_root) else SECONDS_FOR_HEADERS
        estimate = headers + _estimate(len(missing), COMPILE.seconds, settings)
        print(
            f"compiling {len(missing)} of {len(selected)} packages with torch {store.toolchain.torch_version}, about {estimate:.0f} s",
            file=sys.stderr,
        )
        answers = work_through([case.name for case in missing], COMPILE, settings, store.toolchain.torch_root)
        for name, answer in answers.items():
            found[name] = answer.get("ok")
            if "failed" in answer:
                failures[name] = answer["failed"]
                print(f"no package for {name}: {answer['failed']}", file=sys.stderr)
    compiled = sum(1 for case in missing if (found[case.name] or {}).get("compiled"))
    if selected:
        never = sum(1 for case in selected if unavailable[case.name])
        others = f", {never} more not for this torch or machine" if never else ""
        wanted = len(selected) - never
        print(f"{wanted - len(failures)} of {wanted} packages ready, {compiled} compiled now{others}", file=sys.stderr)
    known = [case for case in cases if case.name in names or found[case.name] is not None]
    return [_entry(case, store, found[case.name], failures.get(case.name), unavailable[case.name]) for case in known], len(failures)


def _entry(case: Case, store: Store, facts: dict[str, typing.Any] | None, failure: str | None, unavailable: str) -> dict[str, typing.Any]:
    if unavailable:
        return {"case": case.name, "unavailable": unavailable}
    if facts is None:
        return {"case": case.name, "failed": failure or "not built"}
    keep = (
        "sha256",
        "bytes",
        "seconds",
        "exported_inputs",
        "copies",
        "operators",
        "eager_error",
        "constants",
        "torch",
        "torch_git",
        "compiler",
        "isa",
    )
    return {
        "case": case.name,
        "path": str(store.content_path(facts["content"])),
        **{key: facts[key] for key in (*keep, *({"kernels"} & facts.keys()))},
    }


def _try(selected: list[Claim], store: Store, settings: Settings) -> tuple[list[dict[str, typing.Any]], int]:
    """The manifest's entries of claims, and how many of the selected ones could not be tried."""
    known = Answers(settings.store_root, store.toolchain)
    found = {claim.name: known.find(claim) for claim in all_claims()}
    missing = [claim for claim in selected if found[claim.name] is None]
    failed = 0
    if missing:
        estimate = _estimate(len(missing), TRY.seconds, settings)
        print(f"trying {len(missing)} of {len(selected)} claims with torch {store.toolchain.torch_version}, about {estimate:.0f} s", file=sys.stderr)
        answers = work_through([claim.name for claim in missing], TRY, settings, store.toolchain.torch_root)
        for claim in missing:
            answer = answers[claim.name]
            found[claim.name] = answer.get("ok") or {"claim": claim.name, **answer}
            if "failed" in answer:
                failed += 1
                print(f"no answer to {claim.name}: {answer['failed']}", file=sys.stderr)
    if selected:
        print(f"{len(selected) - failed} of {len(selected)} claims answered, {len(missing)} tried now", file=sys.stderr)
    return [entry for entry in found.values() if entry is not None], failed


def _make(selected: list[Hostile], packages: list[dict[str, typing.Any]], settings: Settings) -> tuple[list[dict[str, typing.Any]], int]:
    """The manifest's entries of hostile packages, and how many of the selected ones could not be made."""
    goods = {package["case"]: package for package in packages}
    files = HostileFiles(settings.store_root)
    found = {known.name: files.find(known, goods) for known in all_hostile()}
    missing = [known for known in selected if found[known.name] is None]
    failed = 0
    for known in missing:
        entry = files.make(known, goods)
        found[known.name] = entry
        if "failed" in entry:
            failed += 1
            print(f"no hostile package {known.name}: {entry['failed']}", file=sys.stderr)
    if selected:
        print(f"{len(selected) - failed} of {len(selected)} hostile packages ready, {len(missing) - failed} made now", file=sys.stderr)
    return [entry for entry in found.values() if entry is not None], failed


def _estimate(count: int, seconds: float, settings: Settings) -> float:
    return SECONDS_TO_START + seconds * count / max(1, min(settings.jobs, count))


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
    cases, claims, hostile = select(names, "full")
    twin = next((case for case in cases if case.twin_of and case.name in names), None)
    if twin is not None:
        raise CaseError(f"{twin.name} has the golden of {twin.twin_of}: bless that")
    cases = [case for case in cases if not case.twin_of]
    if names and claims:
        raise CaseError(f"{claims[0].name} is a claim: only cases have goldens")
    if names and hostile:
        raise CaseError(f"{hostile[0].name} is a hostile package: only cases have goldens")
    toolchain = find_toolchain(settings.torch_root)
    for case in cases:  # what an earlier bless wrote must not be taken for this one's
        for stale in settings.golden.glob(f"{case.name}.*.unapproved"):
            stale.unlink()
    answers = work_through([case.name for case in cases], BLESS, settings, toolchain.torch_root)
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
