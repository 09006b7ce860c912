# SPDX-License-Identifier: Apache-2.0
"""Claims of documents as scripts: `generators/claims/<name>.py`, each of which tries one sentence on the torch that is there.

A script stands alone and knows nothing of this suite. Its docstring is the claim in one sentence, then the lines `requirement: EXP_7` and
`source: S2 4.1`. The last line that it prints begins with `true: ` or `false: ` and goes on with what was seen. A file whose name begins
with _ is what scripts share. The docstrings are read without running anything: the plan must exist where torch does not.
"""

from __future__ import annotations

import ast
import re
import typing
from dataclasses import dataclass
from pathlib import Path

from .case import CaseError

CLAIMS = Path(__file__).resolve().parent.parent / "claims"
_NAME = re.compile(r"^[a-z][a-z0-9_]*$")
_REQUIREMENT = re.compile(r"^[A-Z]+_[0-9]+$")


@dataclass(frozen=True)
class Claim:
    """One script, as its docstring describes it."""

    name: str
    requirement: str
    source: str
    doc: str
    file: Path


def describe(claim: Claim) -> dict[str, str]:
    """A claim as the plan sees it."""
    file = str(claim.file.relative_to(CLAIMS.parent))
    return {"name": claim.name, "requirement": claim.requirement, "source": claim.source, "doc": claim.doc, "file": file}


def read_claim(file: Path) -> Claim:
    """The claim of one script; a CaseError where its docstring lacks something."""

    def complain(line: int, complaint: str) -> typing.NoReturn:
        raise CaseError(f"{file}:{line}: claim {file.stem}: {complaint}")

    if not _NAME.match(file.stem):
        complain(1, "name: it must be [a-z][a-z0-9_]*")
    try:
        module = ast.parse(file.read_text(), str(file))
    except SyntaxError as error:
        complain(error.lineno or 1, f"syntax: {error.msg}")
    doc = ast.get_docstring(module)
    if not doc:
        complain(1, "doc: the docstring is missing: say in its first line what is claimed")
    begins = module.body[0].lineno
    fields: dict[str, str] = {}
    for number, line in enumerate(doc.splitlines()[1:], begins + 1):
        key, colon, value = line.partition(": ")
        if not line:
            continue
        if not colon or key not in ("requirement", "source"):
            complain(number, f'doc: "{line}" is none of the lines "requirement: ..." and "source: ..." that follow the sentence')
        if key in fields:
            complain(number, f"{key}: it is there twice")
        fields[key] = value.strip()
    for key in ("requirement", "source"):
        if not fields.get(key):
            complain(begins, f'{key}: the docstring has no line "{key}: ..."')
    if not _REQUIREMENT.match(fields["requirement"]):
        complain(begins, f"requirement: {fields['requirement']} is no id of a requirement such as EXP_7")
    return Claim(file.stem, fields["requirement"], fields["source"], doc.splitlines()[0], file)


def shared_files(folder: Path = CLAIMS) -> list[Path]:
    """What scripts import from each other's folder."""
    return sorted(folder.glob("_*.py"))


def all_claims(folder: Path = CLAIMS) -> list[Claim]:
    """Every claim, by name."""
    return [read_claim(file) for file in sorted(folder.glob("*.py")) if not file.name.startswith("_")]
