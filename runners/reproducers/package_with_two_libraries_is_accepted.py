# SPDX-License-Identifier: Apache-2.0
"""Reproducer without the suite: a package that has two libraries of one model loads, and nobody says which of them it runs.

usage: python package_with_two_libraries_is_accepted.py PACKAGE.pt2      exit status 1 where it loads, 0 where it is refused
"""

import os
import shutil
import sys
import tempfile
import zipfile

import torch

with tempfile.TemporaryDirectory() as folder:
    package = shutil.copy(sys.argv[1], f"{folder}/two.pt2")
    with zipfile.ZipFile(package, "a") as archive:
        library = next(name for name in archive.namelist() if name.endswith(".so"))
        archive.writestr(f"{os.path.dirname(library)}/second.wrapper.so", archive.read(library))
    try:
        torch._C._aoti.AOTIModelPackageLoader(package, "model", False, 1, -1)
    except RuntimeError as error:
        print(f"torch {torch.__version__} refuses it:", str(error).splitlines()[0])
        sys.exit(0)
    print(f"torch {torch.__version__} loads it")
    sys.exit(1)
