# SPDX-License-Identifier: Apache-2.0
"""Hostile packages: what is altered is what is said, and nothing else is. No torch: the good package is a stand-in with the parts of a true one."""

from __future__ import annotations

import functools
import io
import struct
import sys
import tempfile
import unittest
import warnings
import zipfile
import zlib
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))

from aoti_generate import archive, hostile
from aoti_generate.archive import Entry
from aoti_generate.case import CaseError

NAMES = b"\0libgomp.so.1\0AOTInductorModelContainerRun\0aoti_torch_delete_tensor_object\0"


def library() -> bytes:
    """An ELF file as far as its header, its program headers, three sections and the names that are altered."""
    begin = 64 + 11 * 56
    sections = {".text": b"c" * 300, ".rodata": b"r" * 200, ".lrodata": b"w" * 400}
    texts = b"\0" + b"\0".join(name.encode() for name in (*sections, ".shstrtab")) + b"\0"
    body = bytearray()
    table = bytearray(64)  # the section that is none
    for name, content in {**sections, ".shstrtab": texts}.items():
        table += struct.pack("<2I4Q24x", texts.index(name.encode() + b"\0"), 1, 0, 0, begin + len(body), len(content))
        body += content
    header = struct.pack("<4s5B7x2HI3QI6H", b"\x7fELF", 2, 1, 1, 0, 0, 3, 62, 1, 0, 64, begin + len(body), 0, 64, 56, 11, 64, 5, 4)
    return header + bytes(11 * 56) + bytes(body) + bytes(table) + NAMES


def package(tail: bytes = b"") -> bytes:
    """A good package in small."""
    folder = b"root/data/aotinductor/model/"
    metadata = b'{"AOTI_DEVICE_KEY": "cpu", "AOTI_CPU_ISA": "AVX2", "AOTI_MACHINE": "x86_64", "AOTI_PLATFORM": "linux"}'
    files = {
        folder + b"a.wrapper.cpp": b"int main() {}",
        folder + b"a.wrapper_metadata.json": metadata,
        folder + b"b.kernel_metadata.json": metadata,
        folder + b"a.wrapper.so": library() + tail,
        b"root/archive_format": b"pt2",
        b"root/archive_version": b"0",
    }
    return archive.write(Entry(name, data) for name, data in files.items())


def known(name: str) -> hostile.Hostile:
    return next(each for each in hostile.all_hostile() if each.name == name)


@functools.cache  # a bomb takes its time
def made(name: str) -> bytes:
    """A hostile package of the stand-in."""
    with tempfile.TemporaryDirectory() as folder:
        good, other = Path(folder) / "good.pt2", Path(folder) / "other.pt2"
        good.write_bytes(package())
        other.write_bytes(package(b"of another program"))
        return hostile.make(known(name), good, other if known(name).other else None)


class Hostile(unittest.TestCase):
    def files(self, name: str) -> dict[str, bytes]:
        """As a careful reader sees them: names in the directory and checksums hold."""
        with zipfile.ZipFile(io.BytesIO(made(name))) as opened:
            return {info.filename: opened.read(info) for info in opened.infolist()}

    def test_every_one_is_made_twice_the_same_and_differs_from_the_good_one(self) -> None:
        for each in hostile.all_hostile():
            with self.subTest(each.name):
                first = made(each.name)
                self.assertTrue(first != package())
                if each.name != "zip_bomb":
                    self.assertTrue(first == made.__wrapped__(each.name))

    def test_there_are_many_and_each_part_is_altered(self) -> None:
        names = [each.name for each in hostile.all_hostile()]
        self.assertGreaterEqual(len(names), 40)
        self.assertEqual(len(set(names)), len(names))
        self.assertEqual({name.split("_")[0] for name in names}, {"zip", "entry", "name", "metadata", "version", "library", "package", "flip"})

    def test_exactly_those_that_escape_name_the_path_that_is_replaced(self) -> None:
        token = hostile.canary()[1:]
        for each in hostile.all_hostile():
            found = made(each.name)
            self.assertEqual(token in found or token.replace(b"/", b"\\") in found, each.escapes, each.name)

    def test_what_zip_tools_may_write_holds_the_same_files(self) -> None:
        with zipfile.ZipFile(io.BytesIO(package())) as good:
            files = {name: good.read(name) for name in good.namelist()}
        for each in hostile.all_hostile():
            if each.expect == "ok":
                with self.subTest(each.name), zipfile.ZipFile(io.BytesIO(made(each.name))) as opened:
                    self.assertIsNone(opened.testzip())
                    self.assertEqual(files, {name: opened.read(name) for name in files})

    def test_a_flip_changes_one_bit_inside_its_part(self) -> None:
        layout, good = archive.layout(package()), package()
        name = next(name for name in layout.data if name.endswith(b".so"))
        data = layout.data[name][0]
        regions = {
            "local_header": layout.local_header[name],
            "directory": layout.directory,
            "end_record": layout.end,
            "elf_header": (data, 64),
            "program_headers": (data + 64, 11 * 56),
            "code": (data + 64 + 11 * 56, 300),
            "constants": (data + 64 + 11 * 56 + 300, 200),
            "weights": (data + 64 + 11 * 56 + 500, 400),
            "metadata": layout.data[b"root/data/aotinductor/model/b.kernel_metadata.json"],
        }
        for each in hostile.all_hostile():
            if not each.name.startswith("flip_in_"):
                continue
            flipped = made(each.name)
            changed = [at for at, (a, b) in enumerate(zip(good, flipped, strict=True)) if a != b]
            self.assertEqual(len(changed), 1, each.name)
            self.assertEqual((good[changed[0]] ^ flipped[changed[0]]).bit_count(), 1, each.name)
            begin, size = regions.pop(each.name[len("flip_in_") : each.name.rindex("_")], (0, 0)) if each.name.endswith("_1") else (0, len(good))
            self.assertTrue(begin <= changed[0] < begin + size, each.name)
        self.assertEqual(regions, {}, "no bit is flipped there")

    def test_the_bomb_is_small_and_unpacks_to_a_gibibyte(self) -> None:
        packed = made("zip_bomb")
        self.assertLess(len(packed), 4 << 20)
        with zipfile.ZipFile(io.BytesIO(packed)) as bomb:
            info = next(info for info in bomb.infolist() if info.filename.endswith("large.bin"))
            self.assertEqual(info.file_size, 1 << 30)
            unpacked = 0
            with bomb.open(info) as stream:  # to the end: size and checksum are the true ones
                while block := stream.read(1 << 24):
                    unpacked += len(block)
        self.assertEqual(unpacked, 1 << 30)

    def test_metadata_are_altered_in_both_files(self) -> None:
        files = [data for name, data in self.files("metadata_of_a_gpu").items() if name.endswith("_metadata.json")]
        self.assertEqual([b'"AOTI_DEVICE_KEY": "cuda"' in data for data in files], [True, True])
        self.assertFalse(any(b"AOTI_DEVICE_KEY" in data for name, data in self.files("metadata_without_device").items() if name.endswith(".json")))

    def test_headers_say_what_is_not_so(self) -> None:
        good, p = package(), hostile.Package(package())
        library_name = p.library.name.decode()

        def info(name: str) -> zipfile.ZipInfo:
            with zipfile.ZipFile(io.BytesIO(made(name))) as opened:
                return opened.getinfo(library_name)

        self.assertEqual(info("entry_encrypted").flag_bits & 1, 1)
        self.assertEqual(info("entry_of_unknown_method").compress_type, 97)
        self.assertEqual(info("zip_size_above_the_true_one").file_size, 2 * len(p.library.data))
        self.assertEqual(info("zip_wrong_checksum").CRC, zlib.crc32(p.library.data) ^ 1)
        self.assertEqual(info("zip_size_of_64_bits_lies").file_size, 1 << 62)
        self.assertEqual(info("name_library_is_a_link").external_attr >> 16, 0o120777)
        with zipfile.ZipFile(io.BytesIO(made("zip_names_disagree"))) as opened, self.assertRaisesRegex(zipfile.BadZipFile, "differ"):
            opened.read(library_name)
        with self.assertRaises(zipfile.BadZipFile):
            zipfile.ZipFile(io.BytesIO(made("zip_cut_in_end_record")))
        self.assertEqual(archive.write(archive.read(good)), good)

    def test_the_library_is_altered_in_place(self) -> None:
        good = library()
        for name, offset in (("library_of_another_machine", 18), ("library_of_32_bits", 4), ("library_of_other_byte_order", 5)):
            altered = next(data for file, data in self.files(name).items() if file.endswith(".so"))
            self.assertEqual([at for at, (a, b) in enumerate(zip(good, altered, strict=True)) if a != b], [offset])
        self.assertIn(b"\0libabsent.so\0", made("library_needs_an_absent_one"))
        self.assertEqual(sum(name.endswith(".so") for name in self.files("library_twice")), 2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.assertFalse(any(name.endswith((".so", ".cpp")) for name in self.files("library_and_sources_missing")))

    def refused(self, words: str, **changed: object) -> None:
        bad = hostile.Hostile(**{**vars(known("zip_empty")), "name": "mine", **changed})
        with mock.patch.object(hostile, "_registered", [bad]), self.assertRaisesRegex(CaseError, "hostile package [a-z_]+: " + words):
            hostile.all_hostile()

    def test_one_that_is_not_what_it_should_be_is_named(self) -> None:
        self.refused("doc: the docstring is missing", doc="")
        self.refused('expect: "maybe" is none of ok, refused, recorded', expect="maybe")
        self.refused("name: it exists already", name="cond")
        self.refused("made_from: no case is called nobody", made_from="nobody")
        self.refused("made_from: no case is called nobody", other="nobody")


if __name__ == "__main__":
    unittest.main()
