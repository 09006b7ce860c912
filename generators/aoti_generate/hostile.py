# SPDX-License-Identifier: Apache-2.0
"""Hostile packages: good ones, altered by one function each. `build` makes them into the store; torch has no part in it.

To add one: a function below, or a row of _FLIPPED. Its docstring says what was done to the package, its decorator what must happen and who says
so: `refused` with an error, `ok` for what is unusual and allowed, `recorded` where no document says. The first word of a name is the part that
is altered: known issues go by it. A name that holds canary() must not come to lie where it points: the suite replaces it by a path that it
watches.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
import struct
import typing
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from . import archive
from .archive import Entry
from .case import CaseError, all_cases

SPEC = "PT2 Archive Spec: a zipfile, and can be manipulated using standard zipfile APIs"
LOADER = "the loader's own error: "
DLOPEN = "dlopen(3): NULL on failure; DynamicLibrary throws"
NOBODY = "no document says"


class Package:
    """A good package, to be altered in place. The result is the archive of `entries`."""

    def __init__(self, raw: bytes, other: bytes | None = None) -> None:
        self.raw = raw
        self.entries = archive.read(raw)
        self._other = other

    def named(self, suffix: str) -> list[Entry]:
        """The entries whose names end so."""
        return [entry for entry in self.entries if entry.name.endswith(suffix.encode())]

    @property
    def library(self) -> Entry:
        """The compiled model."""
        return self.named(".so")[0]

    @property
    def metadata(self) -> list[Entry]:
        """What the package says of itself, for the wrapper and for the kernels."""
        return self.named("_metadata.json")

    @property
    def other(self) -> bytes:
        """The second package."""
        assert self._other is not None
        return self._other

    @property
    def other_library(self) -> bytes:
        """The compiled model of the second package."""
        return Package(self.other).library.data

    def folder(self) -> bytes:
        """Where the files of the model lie, with a / at the end."""
        return self.library.name.rpartition(b"/")[0] + b"/"

    def remove(self, entries: typing.Iterable[Entry]) -> None:
        """From the archive."""
        for entry in list(entries):
            self.entries.remove(entry)

    def add(self, name: bytes, data: bytes = b"x", **fields: typing.Any) -> Entry:
        """One more file of the model."""
        entry = Entry(self.folder() + name, data, **fields)
        self.entries.append(entry)
        return entry

    def set_metadata(self, **keys: typing.Any) -> None:
        """Replaces values in both metadata files; None removes the key."""
        for entry in self.metadata:
            known = {**json.loads(entry.data), **keys}
            entry.data = json.dumps({key: value for key, value in known.items() if value is not None}).encode()

    def poke(self, offset: int, fmt: str, *values: typing.Any) -> None:
        """Writes into the library."""
        data = bytearray(self.library.data)
        struct.pack_into(fmt, data, offset, *values)
        self.library.data = bytes(data)

    def rename_in_library(self, old: bytes, new: bytes) -> None:
        """Replaces a name in the library's tables by one of the same length."""
        assert len(old) == len(new) and self.library.data.count(b"\0" + old + b"\0") > 0, old
        self.library.data = self.library.data.replace(b"\0" + old + b"\0", b"\0" + new + b"\0")


Alteration = typing.Callable[[Package], bytes | None]


@dataclass(frozen=True)
class Hostile:
    """One hostile package, as its decorator and docstring describe it."""

    name: str
    made_from: str
    other: str  # a second good package that the alteration takes from; empty for none
    device: str  # that the altered package says it is for
    expect: str
    escapes: bool  # an entry's name points outside the folder that the loader unpacks into
    source: str
    doc: str
    line: int
    alter: Alteration


_registered: list[Hostile] = []


def hostile(
    expect: str, source: str, *, made_from: str = "mlp_static", other: str = "", device: str = "cpu", escapes: bool = False, name: str = ""
) -> typing.Callable[[Alteration], Alteration]:
    """Registers the decorated function as a hostile package of its own name. One that returns bytes gives the whole file."""

    def register(function: Alteration) -> Alteration:
        described = Hostile(
            name or function.__name__,
            made_from,
            other,
            device,
            expect,
            escapes,
            source,
            inspect.getdoc(function) or "",
            inspect.unwrap(function).__code__.co_firstlineno,
            function,
        )
        _registered.append(described)
        return function

    return register


def canary() -> bytes:
    """A path, absolute, that the suite replaces by one of the same length in a folder that it watches."""
    return b"/AOTI_CTS_CANARY".ljust(300, b"/")  # kCanary in conformance/hostile.cc


# --- the archive ------------------------------------------------------------------------------------------------------


@hostile("ok", SPEC)
def zip_reordered(p: Package) -> None:
    """The entries in the opposite order."""
    p.entries.reverse()


@hostile("ok", SPEC)
def zip_deflated(p: Package) -> None:
    """Every entry compressed, as zip tools do unless told otherwise."""
    for entry in p.entries:
        entry.deflate()


@hostile("ok", SPEC)
def zip_with_extra_files(p: Package) -> None:
    """A text in the folder `extra`, which the specification keeps for it."""
    root = p.entries[0].name.partition(b"/")[0]
    p.entries.append(Entry(root + b"/extra/note.json", b"{}"))


@hostile("ok", SPEC)
def zip_with_folders(p: Package) -> None:
    """An entry of its own for every folder, as zip tools write them."""
    folders = {entry.name[: at + 1] for entry in p.entries for at, letter in enumerate(entry.name) if letter == ord("/")}
    p.entries[:0] = [Entry(folder, b"", mode=0o40755) for folder in sorted(folders)]


@hostile("ok", SPEC)
def zip_with_comment(p: Package) -> bytes:
    """A comment behind the end record."""
    return archive.write(p.entries, comment=b"a package of some model")


@hostile("refused", LOADER + "No files found in zip archive")
def zip_empty(p: Package) -> None:
    """A whole archive without entries."""
    p.entries.clear()


@hostile("refused", "PKG_3: a package that is cut short")
def zip_cut_in_first_header(p: Package) -> bytes:
    """The file ends in its first local header."""
    return p.raw[:17]


@hostile("refused", "PKG_3: a package that is cut short")
def zip_cut_in_library(p: Package) -> bytes:
    """The file ends in the middle of the library."""
    begin, size = archive.layout(p.raw).data[p.library.name]
    return p.raw[: begin + size // 2]


@hostile("refused", "PKG_3: a package that is cut short")
def zip_cut_in_directory(p: Package) -> bytes:
    """The file ends in the middle of its central directory."""
    begin, size = archive.layout(p.raw).directory
    return p.raw[: begin + size // 2]


@hostile("refused", "PKG_3: a package that is cut short")
def zip_cut_in_end_record(p: Package) -> bytes:
    """The file ends in its end record."""
    begin, size = archive.layout(p.raw).end
    return p.raw[: begin + size // 2]


@hostile("refused", LOADER + "Failed to extract zip file")
def entry_encrypted(p: Package) -> None:
    """The library is marked as encrypted."""
    p.library.flags = 1


@hostile("refused", LOADER + "Failed to extract zip file")
def entry_of_unknown_method(p: Package) -> None:
    """The library is packed by a method that does not exist."""
    p.library.method = 97


@hostile("refused", LOADER + "Failed to extract zip file")
def entry_with_broken_stream(p: Package) -> None:
    """The library is compressed, and the compressed data are damaged."""
    p.library.deflate()
    p.library.data = b"\xff" * 64 + p.library.data[64:]


@hostile("refused", LOADER + "Failed to extract zip file")
def zip_offset_beyond_the_end(p: Package) -> None:
    """The directory places the library behind the end of the file."""
    p.library.offset = 0x7FFFFFFF


@hostile("recorded", NOBODY)
def zip_offset_of_another(p: Package) -> None:
    """The directory gives the library the place of the first entry."""
    p.library.offset = 0


@hostile("recorded", NOBODY)
def zip_size_above_the_true_one(p: Package) -> None:
    """The library is said to unpack to twice its size."""
    p.library.size = 2 * len(p.library.data)


@hostile("recorded", NOBODY)
def zip_size_below_the_true_one(p: Package) -> None:
    """The library is said to unpack to half its size."""
    p.library.size = len(p.library.data) // 2


@hostile("recorded", NOBODY)
def zip_wrong_checksum(p: Package) -> None:
    """The checksum of the library is not that of its data."""
    p.library.crc = zlib.crc32(p.library.data) ^ 1


@hostile("recorded", NOBODY)
def zip_names_disagree(p: Package) -> None:
    """The library has another name in its local header than in the directory."""
    p.library.local_name = p.library.name[:-3] + b".no"


@hostile("recorded", NOBODY)
def zip_size_of_64_bits_lies(p: Package) -> None:
    """A 64-bit extension says that the library is 2^62 bytes long."""
    p.library.extra = struct.pack("<2H2Q", 1, 16, 1 << 62, 1 << 62)
    p.library.size = 0xFFFFFFFF


@hostile("recorded", NOBODY)
def zip_second_end_record(p: Package) -> bytes:
    """The comment holds the end record of an archive without entries."""
    return archive.write(p.entries, comment=b"PK\5\6" + bytes(18))


@hostile("recorded", NOBODY)
def zip_too_many_entries_claimed(p: Package) -> bytes:
    """The end record counts one entry more than there is."""
    raw = bytearray(archive.write(p.entries))
    struct.pack_into("<2H", raw, raw.rindex(b"PK\5\6") + 8, len(p.entries) + 1, len(p.entries) + 1)
    return bytes(raw)


@hostile("recorded", NOBODY)
def zip_library_twice_good_last(p: Package) -> None:
    """Two entries of the library's name: a text, then the library."""
    p.entries.insert(0, Entry(p.library.name, b"a text\n"))


@hostile("recorded", NOBODY)
def zip_library_twice_good_first(p: Package) -> None:
    """Two entries of the library's name: the library, then a text."""
    p.entries.append(Entry(p.library.name, b"a text\n"))


@hostile("recorded", NOBODY)
def zip_bomb(p: Package) -> None:
    """One more file of the model, of a megabyte, that unpacks to a gibibyte; the suite limits what a file may grow to."""
    block = bytes(1 << 20)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)  # blocks that stand for themselves: one is repeated
    crc = functools.reduce(lambda so_far, _: zlib.crc32(block, so_far), range(1024), 0)
    p.add(b"large.bin", packed * 1024 + packer.flush(), method=zipfile.ZIP_DEFLATED, size=1 << 30, crc=crc)


@hostile("recorded", NOBODY)
def zip_thousand_entries(p: Package) -> None:
    """A thousand more files of the model, each empty."""
    folder = p.folder()
    p.entries += [Entry(folder + b"%d.txt" % number, b"") for number in range(1000)]


# --- names of entries -------------------------------------------------------------------------------------------------


@hostile("recorded", NOBODY, escapes=True)
def name_goes_up(p: Package) -> None:
    """A file of the model whose name climbs to the root with ../ and down again."""
    p.add(b"../" * 40 + canary()[1:])


@hostile("recorded", NOBODY, escapes=True)
def name_is_absolute(p: Package) -> None:
    """A file whose name begins at the root."""
    p.entries.append(Entry(canary(), b"x"))


@hostile("recorded", NOBODY, escapes=True)
def name_goes_up_in_constants(p: Package) -> None:
    """A file among the constants whose name climbs to the root with ../ and down again."""
    root = p.entries[0].name.partition(b"/")[0]
    p.entries.append(Entry(root + b"/data/constants/" + b"../" * 40 + canary()[1:], b"x"))


@hostile("recorded", NOBODY, escapes=True)
def name_goes_up_from_the_root(p: Package) -> None:
    """A file whose name is nothing but ../ and then a path."""
    p.entries.append(Entry(b"../" * 40 + canary()[1:], b"x"))


@hostile("recorded", NOBODY, escapes=True)
def name_goes_up_as_on_windows(p: Package) -> None:
    """A file of the model whose name climbs with backslashes."""
    p.add(b"..\\" * 40 + canary()[1:].replace(b"/", b"\\"))


@hostile("recorded", NOBODY, escapes=True)
def name_of_a_link(p: Package) -> None:
    """A symbolic link that points outside, and a file of the same name that would be written through it."""
    p.add(b"link", canary(), mode=0o120777)
    p.add(b"link")


@hostile("recorded", NOBODY)
def name_library_is_a_link(p: Package) -> None:
    """The library is a symbolic link to a file of the system."""
    p.library.data, p.library.mode = b"/etc/hostname", 0o120777


@hostile("recorded", NOBODY)
def name_of_200_folders(p: Package) -> None:
    """A file two hundred folders deep."""
    p.add(b"d/" * 200 + b"file")


@hostile("recorded", NOBODY)
def name_of_5000_letters(p: Package) -> None:
    """A file whose name is longer than any path may be."""
    p.add(b"n" * 5000)


@hostile("recorded", NOBODY)
def name_with_nul(p: Package) -> None:
    """A file whose name has a NUL in its middle and ends like a library behind it."""
    p.add(b"text.txt\0.so", b"a text\n")


@hostile("recorded", NOBODY)
def name_is_empty(p: Package) -> None:
    """An entry without a name."""
    p.entries.append(Entry(b"", b"x"))


@hostile("recorded", NOBODY)
def name_is_no_utf8(p: Package) -> None:
    """A file of the model whose name is not UTF-8."""
    p.add(b"\xff\xfe.txt")


@hostile("recorded", NOBODY)
def name_library_is_a_folder(p: Package) -> None:
    """Where the library should be there is a folder of its name."""
    library = p.library
    library.name, library.data, library.mode = library.name + b"/", b"", 0o40755


@hostile("recorded", NOBODY)
def name_of_a_second_root(p: Package) -> None:
    """One more file, below another root folder than the rest."""
    p.entries.append(Entry(b"elsewhere/data/aotinductor/model/note.txt", b"x"))


# --- the metadata -----------------------------------------------------------------------------------------------------


@hostile("refused", LOADER + "json parse error")
def metadata_empty(p: Package) -> None:
    """Metadata files without a byte."""
    for entry in p.metadata:
        entry.data = b""


@hostile("refused", LOADER + "json parse error")
def metadata_cut(p: Package) -> None:
    """Metadata that end in the middle."""
    for entry in p.metadata:
        entry.data = entry.data[: len(entry.data) // 2]


@hostile("refused", LOADER + "json type error")
def metadata_is_a_list(p: Package) -> None:
    """Metadata that are JSON and no object."""
    for entry in p.metadata:
        entry.data = b'["AOTI_DEVICE_KEY", "cpu"]'


@hostile("refused", LOADER + "json type error")
def metadata_with_a_number(p: Package) -> None:
    """A device key that is a number."""
    p.set_metadata(AOTI_DEVICE_KEY=1)


@hostile("refused", LOADER + "File not found")
def metadata_missing(p: Package) -> None:
    """No metadata files."""
    p.remove(p.metadata)


@hostile("refused", LOADER + "No device information found")
def metadata_without_device(p: Package) -> None:
    """Metadata without a device key."""
    p.set_metadata(AOTI_DEVICE_KEY=None)


@hostile("refused", LOADER + "Unsupported device key found")
def metadata_of_an_unknown_device(p: Package) -> None:
    """A device key that no runtime has."""
    p.set_metadata(AOTI_DEVICE_KEY="abacus")


@hostile("refused", LOADER + "Unsupported device key found")
def metadata_of_an_apple_gpu(p: Package) -> None:
    """The device key of a device that PyTorch knows and Linux has not."""
    p.set_metadata(AOTI_DEVICE_KEY="mps")


@hostile("recorded", "refused since pytorch#185931, where there is no GPU", device="cuda")
def metadata_of_a_gpu(p: Package) -> None:
    """The device key of a CUDA GPU, on a library for the CPU."""
    p.set_metadata(AOTI_DEVICE_KEY="cuda")


@hostile("refused", DLOPEN, made_from="sin_mm_cos", other="sin_mm_cos_sm_90", device="cuda")
def package_for_a_gpu(p: Package) -> bytes:
    """The package of the same program, compiled for a CUDA GPU."""
    return p.other


@hostile("recorded", NOBODY)
def metadata_of_another_instruction_set(p: Package) -> None:
    """An instruction set that no processor has."""
    p.set_metadata(AOTI_CPU_ISA="AVX1024")


@hostile("recorded", NOBODY)
def metadata_of_another_machine(p: Package) -> None:
    """The machine and the platform of another computer."""
    p.set_metadata(AOTI_MACHINE="aarch64", AOTI_PLATFORM="win32")


@hostile("recorded", NOBODY)
def metadata_nested_deep(p: Package) -> None:
    """A value a hundred thousand lists deep."""
    for entry in p.metadata:
        entry.data = b'{"AOTI_DEVICE_KEY": ' + b"[" * 100000 + b"]" * 100000 + b"}"


@hostile("recorded", NOBODY)
def metadata_disagree(p: Package) -> None:
    """The metadata of the wrapper name another device than those of the kernels."""
    known = json.loads(p.metadata[0].data)
    p.metadata[0].data = json.dumps({**known, "AOTI_DEVICE_KEY": "abacus"}).encode()


@hostile("recorded", NOBODY)
def version_unknown(p: Package) -> None:
    """An archive version of the far future."""
    for entry in p.named("archive_version"):
        entry.data = b"1000000"


@hostile("recorded", NOBODY)
def version_missing(p: Package) -> None:
    """Without the files that name the archive's format and version."""
    p.remove([*p.named("archive_format"), *p.named("archive_version")])


# --- the library ------------------------------------------------------------------------------------------------------


@hostile("refused", LOADER + "Failed to find a generated cpp file or so file")
def library_and_sources_missing(p: Package) -> None:
    """Neither a library nor anything that one could be made from."""
    p.remove([*p.named(".so"), *p.named(".cpp")])


@hostile("recorded", NOBODY)
def library_missing(p: Package) -> None:
    """The sources are there, the library is not."""
    p.remove(p.named(".so"))


@hostile("refused", LOADER + "Multiple wrapper shared libraries found")
def library_twice(p: Package) -> None:
    """Two libraries of one model."""
    p.add(b"second.wrapper.so", p.library.data)


@hostile("refused", DLOPEN)
def library_is_text(p: Package) -> None:
    """A text in the place of the library."""
    p.library.data = b"this is no library\n" * 100


@hostile("refused", DLOPEN)
def library_empty(p: Package) -> None:
    """A library without a byte."""
    p.library.data = b""


@hostile("refused", DLOPEN)
def library_cut_in_header(p: Package) -> None:
    """The library ends in its first header."""
    p.library.data = p.library.data[:40]


@hostile("recorded", NOBODY)
def library_cut_in_half(p: Package) -> None:
    """The library ends in its middle; its headers are whole."""
    p.library.data = p.library.data[: len(p.library.data) // 8]


@hostile("refused", DLOPEN)
def library_of_another_machine(p: Package) -> None:
    """A library for a processor of another kind."""
    p.poke(18, "<H", 2)


@hostile("refused", DLOPEN)
def library_of_32_bits(p: Package) -> None:
    """A library that says it is one of 32 bits."""
    p.poke(4, "<B", 1)


@hostile("refused", DLOPEN)
def library_of_other_byte_order(p: Package) -> None:
    """A library that says its bytes come in the opposite order."""
    p.poke(5, "<B", 2)


@hostile("refused", DLOPEN)
def library_is_no_shared_one(p: Package) -> None:
    """The library says it is a relocatable object."""
    p.poke(16, "<H", 1)


@hostile("refused", DLOPEN)
def library_needs_an_absent_one(p: Package) -> None:
    """The library needs another that nobody has."""
    p.rename_in_library(b"libgomp.so.1", b"libabsent.so")


@hostile("recorded", NOBODY)
def library_without_run(p: Package) -> None:
    """The library does not export the function that runs a container."""
    p.rename_in_library(b"AOTInductorModelContainerRun", b"AOTInductorModelContainerNur")


@hostile("recorded", NOBODY)
def library_takes_an_absent_function(p: Package) -> None:
    """The library takes a function that PyTorch has not."""
    p.rename_in_library(b"aoti_torch_delete_tensor_object", b"aoti_torch_delete_tensor_absent")


@hostile("recorded", NOBODY, other="shared_dim")
def library_of_another_program(p: Package) -> None:
    """The library of a program with two inputs in the package of a program with one."""
    p.library.data = p.other_library


@hostile("recorded", NOBODY)
def library_with_a_tail(p: Package) -> None:
    """A megabyte behind the end of the library."""
    p.library.data += b"tail" * (1 << 18)


# --- flipped bits -----------------------------------------------------------------------------------------------------


def _in_archive(part: str) -> typing.Callable[[Package], tuple[int, int]]:
    def find(p: Package) -> tuple[int, int]:
        found = getattr(archive.layout(p.raw), part)
        return typing.cast(tuple[int, int], found[p.library.name] if isinstance(found, dict) else found)

    return find


def _in_library(begin: int, size: int) -> typing.Callable[[Package], tuple[int, int]]:
    return lambda p: (archive.layout(p.raw).data[p.library.name][0] + begin, size)


def _in_section(name: str) -> typing.Callable[[Package], tuple[int, int]]:
    def find(p: Package) -> tuple[int, int]:
        offset, size = archive.section(p.library.data, name)
        return archive.layout(p.raw).data[p.library.name][0] + offset, size

    return find


# name, where, how many packages
_FLIPPED: tuple[tuple[str, str, int, typing.Callable[[Package], tuple[int, int]]], ...] = (
    ("local_header", "the local header of the library", 3, _in_archive("local_header")),
    ("directory", "the central directory", 3, _in_archive("directory")),
    ("end_record", "the end record", 3, _in_archive("end")),
    ("metadata", "the metadata", 3, lambda p: archive.layout(p.raw).data[p.metadata[-1].name]),
    ("elf_header", "the first header of the library", 3, _in_library(0, 64)),
    ("program_headers", "the program headers of the library", 3, _in_library(64, 11 * 56)),
    ("code", "the code of the library", 5, _in_section(".text")),
    ("constants", "the read-only data of the library", 2, _in_section(".rodata")),
    ("weights", "the weights", 5, _in_section(".lrodata")),
)


def _flipped(part: str, where: str, number: int, region: typing.Callable[[Package], tuple[int, int]]) -> None:
    name = f"flip_in_{part}_{number}"

    def alter(p: Package) -> bytes:
        begin, size = region(p)
        chosen = int(hashlib.sha256(name.encode()).hexdigest()[:16], 16)
        raw = bytearray(p.raw)
        raw[begin + chosen // 8 % size] ^= 1 << chosen % 8
        return bytes(raw)

    alter.__doc__ = f"One bit flipped in {where}, place {number}."
    hostile("recorded", NOBODY, name=name)(alter)


for _part, _where, _count, _region in _FLIPPED:
    for _number in range(1, _count + 1):
        _flipped(_part, _where, _number, _region)


# --- all of them ------------------------------------------------------------------------------------------------------


def all_hostile() -> list[Hostile]:
    """Every hostile package, in the order of definition; a CaseError where one is not what it should be."""
    cases = {case.name for case in all_cases()}
    names = [known.name for known in _registered]
    for known in _registered:
        where = f"{__file__}:{known.line}: hostile package {known.name}: "
        if not known.doc:
            raise CaseError(where + "doc: the docstring is missing: say what was done to the package")
        if known.expect not in ("ok", "refused", "recorded"):
            raise CaseError(where + f'expect: "{known.expect}" is none of ok, refused, recorded')
        if names.count(known.name) > 1 or known.name in cases:
            raise CaseError(where + "name: it exists already")
        for case in filter(None, (known.made_from, known.other)):
            if case not in cases:
                raise CaseError(where + f"made_from: no case is called {case}")
    return list(_registered)


def describe(known: Hostile) -> dict[str, typing.Any]:
    """A hostile package as the plan sees it."""
    here = Path(__file__).resolve()
    return {
        "name": known.name,
        "made_from": known.made_from,
        "device": known.device,
        "expect": known.expect,
        "escapes": known.escapes,
        "source": known.source,
        "doc": known.doc,
        "file": str(here.relative_to(here.parent.parent)),
        "line": known.line,
    }


def make(known: Hostile, good: Path, other: Path | None = None) -> bytes:
    """The bytes of a hostile package, from those of good ones."""
    package = Package(good.read_bytes(), other.read_bytes() if other else None)
    altered = known.alter(package)
    return archive.write(package.entries) if altered is None else altered
