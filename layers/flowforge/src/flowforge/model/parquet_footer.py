"""The head of a Parquet file's footer, read without the engine: how many rows and columns the file says it has.

Follows parquet.thrift (FileMetaData: 1 version, 2 schema, 3 num_rows; SchemaElement: 5 num_children) in Thrift's compact
protocol. What comes behind the number of rows is not looked at.
"""

from dataclasses import dataclass

from flowforge.model.errors import DataFault
from flowforge.model.source_format import ENCRYPTED_PARQUET_MAGIC, PARQUET_MAGIC

TAIL_BYTES = 8
"""The length of the footer in four bytes, and the magic."""
MAX_FOOTER_BYTES = 256 << 20

_STOP, _TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT, _UUID = 0, 1, 2, 3, 7, 8, 9, 10, 11, 12, 13
_NUM_CHILDREN, _SCHEMA, _NUM_ROWS = 5, 2, 3
_LONG_LIST = 15
_MAX_VARINT_BITS = 63


@dataclass(frozen=True)
class ParquetShape:
    """The rows of a Parquet file, and its columns (a nested one counts once)."""

    rows: int
    columns: int


def footer_bytes(tail: bytes, *, file: str, size_bytes: int) -> int:
    """The length of the footer from the last eight bytes of a file. Raises DataFault where they are not a Parquet file's."""
    if tail.endswith(ENCRYPTED_PARQUET_MAGIC):
        raise DataFault(f"{file} is an encrypted Parquet file; write it without encryption", file=file)
    if len(tail) < TAIL_BYTES or not tail.endswith(PARQUET_MAGIC):
        raise DataFault(f"{file} is no whole Parquet file: its end is missing; copy it to landing again", file=file)
    length = int.from_bytes(tail[-TAIL_BYTES:-4], "little")
    if not 0 < length <= min(MAX_FOOTER_BYTES, size_bytes - TAIL_BYTES - len(PARQUET_MAGIC)):
        raise DataFault(f"{file} is a damaged Parquet file: its footer of {length} bytes does not fit it", file=file)
    return length


def read_footer(footer: bytes, *, file: str) -> ParquetShape:
    """The rows and columns that a footer states. Raises DataFault where it cannot be read."""
    try:
        return _FooterReader(footer).shape()
    except (IndexError, ValueError, RecursionError) as error:
        raise DataFault(f"{file} is a damaged Parquet file: its footer cannot be read", file=file) from error


class _FooterReader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def shape(self) -> ParquetShape:
        columns, field = 0, 0
        while (header := self._byte()) != _STOP:
            field = self._field(header, field)
            if field == _SCHEMA:
                columns = self._root_children()
            elif field == _NUM_ROWS:
                rows = self._integer()
                if rows < 0:
                    raise ValueError("a negative number of rows")
                return ParquetShape(rows, columns)
            else:
                self._skip(header & 15)
        raise ValueError("no number of rows")

    def _root_children(self) -> int:
        """The children of the first element of the schema, which is its root; the rest is passed over."""
        size, kind = self._list_header()
        children, field = 0, 0
        while (header := self._byte()) != _STOP:
            field = self._field(header, field)
            if field == _NUM_CHILDREN:
                children = self._integer()
            else:
                self._skip(header & 15)
        for _ in range(size - 1):
            self._skip(kind)
        return children

    def _field(self, header: int, before: int) -> int:
        return before + (header >> 4) if header >> 4 else self._integer()

    def _list_header(self) -> tuple[int, int]:
        header = self._byte()
        size = header >> 4
        return (self._varint() if size == _LONG_LIST else size), header & 15

    def _skip(self, kind: int) -> None:
        if kind in (_TRUE, _FALSE):
            return
        if kind == _BYTE:
            self._at += 1
        elif kind < _DOUBLE:
            self._varint()
        elif kind == _DOUBLE:
            self._at += 8
        elif kind == _BINARY:
            length = self._varint()
            self._at += length
        elif kind in (_LIST, _SET):
            size, item = self._list_header()
            for _ in range(size):
                self._skip(_BYTE if item in (_TRUE, _FALSE) else item)
        elif kind == _MAP:
            self._skip_map()
        elif kind == _STRUCT:
            self._skip_struct()
        elif kind == _UUID:
            self._at += 16
        else:
            raise ValueError(f"an unknown kind of field: {kind}")
        if self._at > len(self._data):
            raise ValueError("the footer ends too early")

    def _skip_map(self) -> None:
        size = self._varint()
        kinds = self._byte() if size else 0
        for _ in range(size):
            self._skip(kinds >> 4)
            self._skip(kinds & 15)

    def _skip_struct(self) -> None:
        while (header := self._byte()) != _STOP:
            if not header >> 4:
                self._varint()
            self._skip(header & 15)

    def _integer(self) -> int:
        """A number in zigzag form."""
        raw = self._varint()
        return (raw >> 1) ^ -(raw & 1)

    def _varint(self) -> int:
        value = shift = 0
        while shift <= _MAX_VARINT_BITS:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
        raise ValueError("a number of more than 64 bits")

    def _byte(self) -> int:
        byte = self._data[self._at]
        self._at += 1
        return byte
