# SPDX-License-Identifier: Apache-2.0
"""Canaries through ctest: tests of the suite that must come out red, run by a real ctest, whose own words are checked."""

from __future__ import annotations

import json
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
}
# the canary that passes, in circumstances that must turn it red: options beside its own
CIRCUMSTANCES = {
    "nothing_is_selected": ("--case cond", "nothing is selected"),
    "the_package_did_not_compile": ("--packages {folder}/failed.json", "did not compile: error: frobnicate"),
    "there_is_no_manifest": ("--packages {folder}/gone.json", "gone.json: cannot be read"),
    "the_runner_is_none": ("--runner {folder}/failed.json", "cannot be loaded"),
    "one_of_two_runners_is_none": ("--runner package --runner {folder}/failed.json", "cannot be loaded"),
}


class Canaries(unittest.TestCase):
    def entry(self, name: str, sentence: str, options: str = "") -> str:
        """A test as the suite itself writes its entries."""
        selection = f'--area CANARY --test "CANARY_1/{sentence}/*"'
        command = f'"{BUILD}/aoti-cts" run --ctest --no-build --quiet {selection} --out "{self.folder}/{name}" {options}'
        return f"add_test({name} {command})\nset_tests_properties({name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 60)\n"

    def ctest(self, entries: list[str]) -> tuple[int, dict[str, ElementTree.Element]]:
        """Exit status of a real ctest, and its own JUnit by name."""
        (self.folder / "CTestTestfile.cmake").write_text("".join(entries))
        junit = self.folder / "junit.xml"
        command = [os.environ["AOTI_CTEST"], "-j2", "--test-dir", str(self.folder), "--output-junit", str(junit)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        return ran.returncode, {case.get("name", ""): case for case in ElementTree.parse(junit).getroot().iter("testcase")}

    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def test_ctest_shows_each_canary_in_its_colour(self) -> None:
        code, seen = self.ctest([self.entry(sentence, sentence) for sentence in CANARIES])
        self.assertNotEqual(code, 0, "a ctest with failing tests must not exit 0")
        self.assertEqual(set(seen), set(CANARIES))
        for sentence, (status, words) in CANARIES.items():
            with self.subTest(sentence):
                self.assertEqual(seen[sentence].get("status"), status)
                self.assertIn(words, "".join(seen[sentence].itertext()))
        kept = subprocess.run(
            [BUILD / "aoti-cts-conservation", *(self.folder / name for name in CANARIES)], capture_output=True, text=True, check=False
        )
        self.assertEqual(kept.returncode, 0, kept.stdout + kept.stderr)

    def test_ctest_shows_a_passing_test_red_where_it_could_not_be_tried(self) -> None:
        manifest = json.loads((BUILD / "packages.json").read_text())
        manifest["packages"] = [{"case": entry["case"], "failed": "error: frobnicate was not declared"} for entry in manifest["packages"]]
        (self.folder / "failed.json").write_text(json.dumps(manifest))
        code, seen = self.ctest([self.entry(name, "passes", options.format(folder=self.folder)) for name, (options, _) in CIRCUMSTANCES.items()])
        self.assertNotEqual(code, 0)
        for name, (_, words) in CIRCUMSTANCES.items():
            with self.subTest(name):
                self.assertEqual(seen[name].get("status"), "fail")
                self.assertIn(words, " ".join("".join(seen[name].itertext()).split()))

    def test_a_ctest_of_green_entries_is_green(self) -> None:
        code, seen = self.ctest([self.entry("passes", "passes"), self.entry("is_unavailable", "is_unavailable")])
        self.assertEqual(code, 0)
        self.assertEqual({name: case.get("status") for name, case in seen.items()}, {"passes": "run", "is_unavailable": "notrun"})

    def test_each_canary_that_there_is_is_watched(self) -> None:
        listed = subprocess.run([BUILD / "aoti-cts", "list", "--tests", "--area", "CANARY"], capture_output=True, text=True, check=True).stdout
        self.assertEqual({line.split("/")[1] for line in listed.split()}, set(CANARIES))

    def test_no_canary_is_among_the_entries_of_the_suite(self) -> None:
        entries = (BUILD / "ctest_entries.cmake").read_text()
        self.assertNotIn("CANARY", entries)
        self.assertLessEqual(entries.count("add_test("), 80)


if __name__ == "__main__":
    unittest.main(verbosity=2)  # a line per test, as it is run
