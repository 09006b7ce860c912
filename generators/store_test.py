# SPDX-License-Identifier: Apache-2.0
"""The package store: when a package is found again, and when it is not."""

from __future__ import annotations

import dataclasses
import os
import sys
import tempfile
import threading
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))

import fakes
from aoti_generate import plan
from aoti_generate.case import Case
from aoti_generate.store import Store, ToolchainError, find_toolchain


class InAFolder(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name).resolve()
        self.enterContext(mock.patch.object(plan, "GENERATORS", self.folder))

    def case(self, file: str = "case.py", text: str = "the case", **fields: object) -> Case:
        path = self.folder / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return fakes.a_case(path, **fields)


class ActionKey(InAFolder):
    def key(self, case: Case, **changed: str) -> str:
        return Store(self.folder, fakes.toolchain(**changed)).action_key(case)

    def test_the_same_question_has_the_same_key(self) -> None:
        self.assertEqual(self.key(self.case()), self.key(self.case()))

    def test_another_text_of_the_case_file_is_another_key(self) -> None:
        before = self.key(self.case())
        self.assertNotEqual(before, self.key(self.case(text="the case, edited")))

    def test_a_case_file_that_moved_is_another_key(self) -> None:
        self.assertNotEqual(self.key(self.case()), self.key(self.case("elsewhere/case.py")))

    def test_another_compiler_or_processor_or_torch_is_another_key(self) -> None:
        case = self.case()
        changes = ({}, {"compiler": "c++ 2"}, {"isa": "x86_64"}, {"torch_version": "9.9.10"}, {"torch_git": "1"})
        self.assertEqual(len({self.key(case, **change) for change in changes}), len(changes))

    def test_where_torch_lies_is_no_part_of_the_key(self) -> None:
        case = self.case()
        moved = dataclasses.replace(fakes.toolchain(), torch_root=Path("elsewhere"))
        self.assertEqual(self.key(case), Store(self.folder, moved).action_key(case))

    def test_other_compile_options_are_another_key(self) -> None:
        self.assertNotEqual(self.key(self.case()), self.key(self.case(options={"max_autotune": True})))

    def test_the_line_of_a_case_is_no_part_of_the_key(self) -> None:
        case = self.case()
        before = self.key(case)
        case.line += 7
        self.assertEqual(before, self.key(case))


class Find(InAFolder):
    def setUp(self) -> None:
        super().setUp()
        self.store = Store(self.folder / "store", fakes.toolchain())
        self.facts = fakes.facts_of(self.case(), self.store, b"a package")
        self.store.add("key", self.facts)
        self.package = self.store.content_path(self.facts["content"])

    def test_a_whole_package_is_found(self) -> None:
        self.assertEqual(self.store.find("key"), self.facts)

    def test_an_unknown_key_is_not(self) -> None:
        self.assertIsNone(self.store.find("other"))

    def test_a_package_that_vanished_is_not(self) -> None:
        self.package.unlink()
        self.assertIsNone(self.store.find("key"))

    def test_a_package_that_was_truncated_is_not(self) -> None:
        os.truncate(self.package, 4)
        self.assertIsNone(self.store.find("key"))

    def test_a_package_whose_program_vanished_or_was_truncated_is_not(self) -> None:
        program = self.store.program_path(self.facts["content"])
        os.truncate(program, 20)
        self.assertIsNone(self.store.find("key"))
        program.unlink()
        self.assertIsNone(self.store.find("key"))

    def test_facts_that_are_damaged_are_not(self) -> None:
        facts = self.folder / "store" / "action" / "key.json"
        for text in ("", "{", "{}", "[]"):
            facts.write_text(text)
            self.assertIsNone(self.store.find("key"), text)


class Writers(InAFolder):
    def test_two_writers_at_once_leave_a_whole_file_and_nothing_else(self) -> None:
        path = self.folder / "new" / "file"
        contents = [letter * 1_000_000 for letter in (b"a", b"b")]
        start = threading.Barrier(2)
        failed: list[BaseException] = []

        def write(content: bytes) -> None:
            try:
                start.wait()
                for _ in range(20):
                    plan.write_atomically(path, content)
                    if path.read_bytes() not in contents:
                        raise AssertionError("a reader saw a file that nobody wrote")
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=write, args=(content,)) for content in contents]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failed, [])
        self.assertEqual([p.name for p in path.parent.iterdir()], ["file"])

    def test_a_write_that_fails_keeps_the_old_file_and_names_it(self) -> None:
        path = self.folder / "file"
        plan.write_atomically(path, "old")
        with mock.patch.object(Path, "replace", side_effect=OSError(28, "No space left on device")), self.assertRaises(OSError) as raised:
            plan.write_atomically(path, "new")
        self.assertEqual((raised.exception.errno, raised.exception.filename), (28, str(path)))
        self.assertEqual([(p.name, p.read_text()) for p in self.folder.iterdir()], [("file", "old")])


class FindToolchain(InAFolder):
    def test_it_is_found_without_importing_torch(self) -> None:
        with mock.patch.dict(os.environ, CXX=str(fakes.compiler(self.folder))):
            found = find_toolchain(fakes.torch_folder(self.folder))
        self.assertEqual((found.torch_version, found.torch_git, found.compiler), ("9.9.9", "0123abcd", "fake-c++ 1.0"))
        self.assertTrue(found.isa)

    def expect(self, words: str, torch: Path, cxx: Path) -> None:
        with mock.patch.dict(os.environ, CXX=str(cxx)), self.assertRaisesRegex(ToolchainError, words):
            find_toolchain(torch)

    def test_a_folder_that_is_no_torch_is_named(self) -> None:
        self.expect(f"{self.folder}/version.py cannot be read .*is this a torch folder", self.folder, fakes.compiler(self.folder))

    def test_a_torch_without_a_version_is_named(self) -> None:
        (self.folder / "version.py").write_text("")
        self.expect("names no version", self.folder, fakes.compiler(self.folder))

    def test_a_missing_compiler_is_named_with_the_fix(self) -> None:
        self.expect("no C.. compiler: /nonexistent .*apt-get install g", fakes.torch_folder(self.folder), Path("/nonexistent"))

    def test_a_compiler_that_fails_is_named(self) -> None:
        broken = fakes.compiler(self.folder)
        broken.write_text("#!/bin/sh\necho 'no licence' >&2; exit 3\n")
        self.expect("fake-c.. --version fails .exit status 3.: .*no licence", fakes.torch_folder(self.folder), broken)


if __name__ == "__main__":
    unittest.main()
