# SPDX-License-Identifier: Apache-2.0
"""Packages of sources: what is built of them, and what is said where nothing can be."""

from __future__ import annotations

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from aoti_generate import archive, sources

_FOLDER = b"name/data/aotinductor/model/"
_LIST = b"""
cmake_minimum_required(VERSION 3.27)
project(aoti_model LANGUAGES CXX)
find_package(Torch REQUIRED)
add_library(aoti_model SHARED abc.wrapper.cpp)
target_link_libraries(aoti_model PRIVATE torch torch_cpu)
"""


class SourcesTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.package = Path(folder.name, "package.pt2")
        self.torch = Path(folder.name, "torch")
        (self.torch / "include").mkdir(parents=True)
        (self.torch / "include" / "answer.h").write_text("constexpr int kAnswer = 42;\n")

    def pack(self, files: dict[bytes, bytes]) -> None:
        self.package.write_bytes(archive.write(archive.Entry(_FOLDER + name, data) for name, data in files.items()))

    def test_library_stands_where_the_list_stood_under_the_name_of_its_source(self) -> None:
        (self.torch / "lib").mkdir()
        (self.torch / "include" / "torch" / "csrc" / "api" / "include").mkdir(parents=True)
        no_libraries = _LIST.replace(b"target_link_libraries", b"# target_link_libraries")
        self.pack({b"CMakeLists.txt": no_libraries, b"abc.wrapper.cpp": b'extern "C" int answer() { return 42; }', b"weights.o": b"kept"})
        sources.build(self.package, self.torch)
        entries = {entry.name.removeprefix(_FOLDER): entry.data for entry in archive.read(self.package.read_bytes())}
        self.assertEqual(list(entries), [b"abc.wrapper.so", b"abc.wrapper.cpp", b"weights.o"])
        self.assertTrue(entries[b"abc.wrapper.so"].startswith(b"\x7fELF"))
        self.assertIn(b"answer", entries[b"abc.wrapper.so"])

    def test_what_the_compiler_says_is_told(self) -> None:
        self.pack({b"CMakeLists.txt": _LIST.replace(b"target_link_libraries", b"#"), b"abc.wrapper.cpp": b"int f() { return missing; }"})
        with self.assertRaisesRegex(sources.BuildError, r"cmake --build .* ended with 1:(?s:.*)missing"):
            sources.build(self.package, self.torch)

    def test_package_without_a_list_is_named(self) -> None:
        self.pack({b"abc.wrapper.cpp": b""})
        with self.assertRaisesRegex(sources.BuildError, r"package\.pt2: 0 files called CMakeLists\.txt"):
            sources.build(self.package, self.torch)


if __name__ == "__main__":
    unittest.main()
