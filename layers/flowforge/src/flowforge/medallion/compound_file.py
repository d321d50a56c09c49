"""The streams of a Compound File ([MS-CFB]), the container of .xls workbooks and of workbooks behind a password."""

import struct
from collections.abc import Callable
from itertools import chain

MAGIC_BYTES = 8
HEADER_BYTES = 512
DIRECTORY_ENTRY_BYTES = 128
LAST_REGULAR_SECTOR = 0xFFFFFFFA
DIFAT_IN_HEADER = 109
STREAM, ROOT = 2, 5


class CompoundFile:
    """The streams by name. Raises ValueError where the file contradicts itself; no chain is followed twice."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        if len(content) < HEADER_BYTES:
            raise ValueError("the header is cut off")
        shift, mini_shift = struct.unpack_from("<HH", content, 30)
        if shift not in (9, 12) or mini_shift != 6:
            raise ValueError("the size of its sectors is unknown")
        self._sector_bytes, self._mini_bytes = 1 << shift, 1 << mini_shift
        counts = [struct.unpack_from("<I", content, at)[0] for at in (40, 44, 64, 72)]
        if max(counts) > len(content) >> shift:
            raise ValueError("it states more sectors than it has")
        directory, _, self._mini_cutoff, mini_fat, _, difat, _ = struct.unpack_from("<7I", content, 48)
        table_sectors = list(struct.unpack_from(f"<{DIFAT_IN_HEADER}I", content, 76))
        while difat < LAST_REGULAR_SECTOR and len(table_sectors) <= len(content) // 4:
            *more, difat = self._numbers(self._sector(difat))
            table_sectors += more
        used = [number for number in table_sectors if number < LAST_REGULAR_SECTOR]
        self._table = list(chain.from_iterable(self._numbers(self._sector(number)) for number in used))
        self._entries = self._directory(self._chain(directory, self._table, self._sector))
        self._mini_table = list(self._numbers(self._chain(mini_fat, self._table, self._sector)))
        _, root_start, root_size = next((entry for entry in self._entries.values() if entry[0] == ROOT), (ROOT, 0, 0))
        self._mini_stream = self._chain(root_start, self._table, self._sector)[:root_size] if root_size else b""

    def stream(self, name: str) -> bytes | None:
        """The bytes of a stream, or None where there is none of that name."""
        kind, start, size = self._entries.get(name, (0, 0, 0))
        if kind != STREAM:
            return None
        mini = size < self._mini_cutoff
        table, sector = (self._mini_table, self._mini_sector) if mini else (self._table, self._sector)
        content = self._chain(start, table, sector)
        if len(content) < size:
            raise ValueError(f"the stream {name} is cut off")
        return content[:size]

    def _directory(self, content: bytes) -> dict[str, tuple[int, int, int]]:
        """Kind, first sector and size of each entry by its name."""
        entries: dict[str, tuple[int, int, int]] = {}
        for at in range(0, len(content) - DIRECTORY_ENTRY_BYTES + 1, DIRECTORY_ENTRY_BYTES):
            (name_bytes,) = struct.unpack_from("<H", content, at + 64)
            name = content[at : at + max(0, min(name_bytes, 64) - 2)].decode("utf-16-le", errors="replace")
            start, size = struct.unpack_from("<IQ" if self._sector_bytes > HEADER_BYTES else "<II", content, at + 116)
            if content[at + 66] in (STREAM, ROOT) and size > len(self._content):
                raise ValueError(f"its stream {name} is longer than the file")
            entries.setdefault(name, (content[at + 66], start, size))
        return entries

    def _chain(self, start: int, table: list[int], sector: Callable[[int], bytes]) -> bytes:
        """The sectors that a table links, one after the other."""
        parts: list[bytes] = []
        number = start
        while number < LAST_REGULAR_SECTOR:
            if number >= len(table) or len(parts) > len(table):
                raise ValueError("its sectors are linked wrongly")
            parts.append(sector(number))
            number = table[number]
        return b"".join(parts)

    def _sector(self, number: int) -> bytes:
        start = (number + 1) * self._sector_bytes
        if start >= len(self._content):
            raise ValueError("a sector lies behind its end")
        return self._content[start : start + self._sector_bytes]

    def _mini_sector(self, number: int) -> bytes:
        return self._mini_stream[number * self._mini_bytes : (number + 1) * self._mini_bytes]

    @staticmethod
    def _numbers(content: bytes) -> tuple[int, ...]:
        return struct.unpack(f"<{len(content) // 4}I", content[: len(content) // 4 * 4])
