# SPDX-License-Identifier: Apache-2.0
"""Canaries through ctest: tests of the suite that must come out red, run by a real ctest, whose own words are checked."""

from __future__ import annotations

import os
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

BUILD = Path(os.environ["AOTI_BUILD_DIR"])

# sentence of the canary -> (what ctest must call it, a word its output must hold)
CANARIES = {
    "passes": ("run", "Green"),
    "fails": ("fail", "this canary always fails"),
    "crashes": ("fail", "SIGSEGV"),
    "hangs": ("fail", "no answer after"),
    "exits_with_zero": ("fail", "exit status 0 inside the test"),
    "throws": ("fail", "this canary always throws"),
    "compares_nothing": ("fail", "no comparison"),
    "is_unavailable": ("notrun", "this canary is never available"),
    "no_such_canary": ("fail", "nothing is selected"),
}


class Canaries(unittest.TestCase):
    def test_ctest_shows_each_canary_in_its_colour(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            lines = []
            for sentence in CANARIES:
                command = f'"{BUILD}/aoti-cts" run --ctest --no-build --quiet --area CANARY --test "CANARY_1/{sentence}/*" --out "{folder}/{sentence}"'
                lines.append(f"add_test({sentence} {command})")
                lines.append(f"set_tests_properties({sentence} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 60)")
            (folder / "CTestTestfile.cmake").write_text("\n".join(lines) + "\n")
            ran = subprocess.run(
                [os.environ["AOTI_CTEST"], "--test-dir", name, "--output-junit", str(folder / "junit.xml")], capture_output=True, text=True, check=False
            )
            self.assertNotEqual(ran.returncode, 0, "a ctest with failing tests must not exit 0")
            seen = {case.get("name"): case for case in ElementTree.parse(folder / "junit.xml").getroot().iter("testcase")}
            self.assertEqual(set(seen), set(CANARIES))
            for sentence, (status, words) in CANARIES.items():
                with self.subTest(sentence):
                    self.assertEqual(seen[sentence].get("status"), status)
                    self.assertIn(words, "".join(seen[sentence].itertext()))


if __name__ == "__main__":
    unittest.main()
