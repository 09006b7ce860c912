# SPDX-License-Identifier: Apache-2.0
"""One file per family of cases. Dropping a file here is all it takes: it is picked up by name order."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import traceback
import typing
from pathlib import Path

from ..case import CaseError


def load() -> None:
    """Imports every case file once. A file that cannot be a case file is named, with the line."""
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        file = Path(str(getattr(module.module_finder, "path", ""))) / f"{module.name}.py"
        check(file)
        try:
            importlib.import_module(f"{__name__}.{module.name}")
        except CaseError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a case file raises is the answer
            lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == file]
            raise CaseError(f"{file}:{lines[-1] if lines else 1}: {type(error).__name__}: {error}") from error


def check(file: Path) -> None:
    """Refuses what is no Python, and torch at module level: an import of it succeeds where torch is, and breaks the plan where it is not."""
    try:
        tree = ast.parse(file.read_bytes(), str(file))
    except SyntaxError as error:
        raise CaseError(f"{file}:{error.lineno or 1}: not valid Python: {error.msg}") from error
    except ValueError as error:  # a null byte
        raise CaseError(f"{file}:1: not valid Python: {error}") from error
    lines = sorted(_imports_of_torch(tree.body))
    if lines:
        raise CaseError(f"{file}:{lines[0]}: imports torch at module level: the plan is made where torch is not, import it inside functions only")


def _imports_of_torch(statements: typing.Iterable[ast.AST]) -> typing.Iterator[int]:
    """Lines that run when the module is imported."""
    for node in statements:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            yield from _imports_of_torch(node.orelse)
            continue
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        if any(name.split(".")[0] == "torch" for name in names):
            yield node.lineno  # type: ignore[attr-defined]
        yield from _imports_of_torch(ast.iter_child_nodes(node))
