# SPDX-License-Identifier: Apache-2.0
"""One file per family of cases. Dropping a file here is all it takes: it is picked up by name order."""

from __future__ import annotations

import importlib
import pkgutil


def load() -> None:
    """Imports every case file once."""
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        importlib.import_module(f"{__name__}.{module.name}")
