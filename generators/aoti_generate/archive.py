# SPDX-License-Identifier: Apache-2.0
"""A .pt2 archive taken apart and written again with whatever in it an author of zip files must not do. Needs no torch.

Python's own zipfile corrects or refuses half of what hostile packages are made of: here every field of every header can lie.
"""

from __future__ import annotations

import io
import struct
import typing
import zipfile
import zlib
from dataclasses import dataclass

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_UNIX = 3 << 8 | 20  # written on Unix, so that `mode` counts
_ALIGNMENT = 64  # of an entry's data, as PyTorch's own writer has it


@dataclass
class Entry:
    """One file of an archive. `size` and `crc` are those of the unpacked data, computed where they are None."""

    name: bytes
    data: bytes  # as it lies in the archive
    method: int = 0
    flags: int = 0
    mode: int = 0o100644
    size: int | None = None
    crc: int | None = None
    local_name: bytes | None = None  # in the local header, where that is another than in the central directory
    offset: int | None = None  # of the local header, where the central directory names another than the true one
    extra: bytes = b""

    def deflate(self) -> None:
        """Compresses the data, as any zip tool would."""
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        self.size, self.crc = len(self.data), zlib.crc32(self.data)
        self.data, self.method = packer.compress(self.data) + packer.flush(), zipfile.ZIP_DEFLATED


def read(raw: bytes) -> list[Entry]:
    """The entries of a good archive."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return [Entry(info.filename.encode(), archive.read(info)) for info in archive.infolist()]


def write(entries: typing.Iterable[Entry], comment: bytes = b"") -> bytes:
    """The archive of these entries, in their order."""
    out = bytearray()
    directory = bytearray()
    count = 0
    for entry in entries:
        name = entry.name if entry.local_name is None else entry.local_name
        size = len(entry.data) if entry.size is None else entry.size
        crc = zlib.crc32(entry.data) if entry.crc is None else entry.crc
        offset = len(out) if entry.offset is None else entry.offset
        padding = -(len(out) + _LOCAL.size + len(name) + 4) % _ALIGNMENT
        filler = b"FB" + struct.pack("<H", padding) + b"Z" * padding
        common = (20, entry.flags, entry.method, 0, 0x21, crc, len(entry.data), size)
        out += _LOCAL.pack(b"PK\3\4", *common, len(name), len(filler)) + name + filler + entry.data
        tail = (len(entry.name), len(entry.extra), 0, 0, 0, entry.mode << 16, offset)
        directory += _CENTRAL.pack(b"PK\1\2", _UNIX, *common, *tail) + entry.name + entry.extra
        count += 1
    end = _END.pack(b"PK\5\6", 0, 0, count, count, len(directory), len(out), len(comment))
    return bytes(out + directory + end + comment)


@dataclass(frozen=True)
class Layout:
    """Where the parts of an archive lie in the file: each an offset and a length."""

    local_header: dict[bytes, tuple[int, int]]
    data: dict[bytes, tuple[int, int]]
    directory: tuple[int, int]
    end: tuple[int, int]


def layout(raw: bytes) -> Layout:
    """Of a good archive."""
    end = raw.rindex(b"PK\5\6")
    size, begin = struct.unpack_from("<2I", raw, end + 12)
    headers: dict[bytes, tuple[int, int]] = {}
    data: dict[bytes, tuple[int, int]] = {}
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        for info in archive.infolist():
            name_size, extra_size = struct.unpack_from("<2H", raw, info.header_offset + 26)
            header = _LOCAL.size + name_size
            headers[info.filename.encode()] = (info.header_offset, header)
            data[info.filename.encode()] = (info.header_offset + header + extra_size, info.compress_size)
    return Layout(headers, data, (begin, size), (end, len(raw) - end))


def section(library: bytes, name: str) -> tuple[int, int]:
    """Offset and size of a section of a 64-bit ELF file."""
    table, entry_size, count, names = struct.unpack_from("<Q10x3H", library, 40)
    sections = [struct.unpack_from("<2I4Q", library, table + number * entry_size) for number in range(count)]
    strings = sections[names][4]
    for name_at, _, _, _, offset, size in sections:
        begin = strings + name_at
        if library[begin : library.index(b"\0", begin)] == name.encode():
            return offset, size
    raise KeyError(name)
