# SPDX-License-Identifier: Apache-2.0
"""The command line as a person meets it: bad input gets words that name the thing and the fix, and a non-zero exit."""

from __future__ import annotations

import os
import subprocess
import unittest
from pathlib import Path

BUILD = Path(os.environ["AOTI_BUILD_DIR"])
SOURCE = Path(os.environ["AOTI_SOURCE_DIR"])


class Binary(unittest.TestCase):
    def test_the_suite_needs_neither_libtorch_nor_python(self) -> None:
        needed = subprocess.run(["readelf", "-d", str(BUILD / "aoti-cts")], capture_output=True, text=True, check=True).stdout
        libraries = [line for line in needed.splitlines() if "NEEDED" in line]
        self.assertTrue(libraries)
        for line in libraries:
            self.assertNotRegex(line, "torch|c10|python")


if __name__ == "__main__":
    unittest.main()
