# SPDX-License-Identifier: Apache-2.0
"""Reproducer without the suite: a package that fails to load leaves its extraction folder behind.

usage: python failed_load_leaves_files.py PACKAGE.pt2      exit status 1 where the files are left, 0 where they are not
"""

import os
import sys
import tempfile

with tempfile.TemporaryDirectory() as folder:
    os.environ["TMPDIR"] = folder
    import torch

    try:
        torch._C._aoti.AOTIModelPackageLoader(sys.argv[1], "no_such_model", False, 1, -1)
    except RuntimeError as error:
        print("refused, as it should be:", str(error).splitlines()[0])
    left = os.listdir(folder)
    print(f"torch {torch.__version__} left behind:", left or "nothing")
    sys.exit(1 if left else 0)
