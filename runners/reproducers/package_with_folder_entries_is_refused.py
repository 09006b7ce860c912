# SPDX-License-Identifier: Apache-2.0
"""Reproducer without the suite: a package that was unpacked and packed again by an ordinary zip tool does not load, for its folders are entries.

usage: python package_with_folder_entries_is_refused.py PACKAGE.pt2      exit status 1 where it is refused, 0 where it loads
"""

import shutil
import sys
import tempfile

import torch

with tempfile.TemporaryDirectory() as folder:
    shutil.unpack_archive(sys.argv[1], f"{folder}/unpacked", "zip")
    again = shutil.make_archive(f"{folder}/again", "zip", f"{folder}/unpacked")
    try:
        torch._C._aoti.AOTIModelPackageLoader(again, "model", False, 1, -1)
    except RuntimeError as error:
        print(f"torch {torch.__version__} refuses it:", str(error).splitlines()[0])
        sys.exit(1)
    print(f"torch {torch.__version__} loads it")
