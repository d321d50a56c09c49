"""JSON as a source of Bronze: documents and JSON lines, with the structure and the types that they carry.

The file is read twice. First every record is decoded and looked at, which gives the types and the number of records; then the
records become rows, by the engine's own reader, and by ours in the columns whose values are of several kinds.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from flowforge.medallion.batches import BATCH_ROWS, streamed
from flowforge.medallion.bronze_source import ROW_NUMBER, Audit, ReadInWhole, with_audit_columns
from flowforge.medallion.common_type import stored
from flowforge.medallion.header import unique_names
from flowforge.medallion.json_records import Layout, OtherLayout, layout_of, records, strict_decoder
from flowforge.medallion.json_shape import PreciseNumber, Shape, Typing
from flowforge.medallion.json_text import JsonText
from flowforge.medallion.json_values import fitted_value
from flowforge.medallion.stored_file import FileContent
from flowforge.model.errors import DataFault
from flowforge.model.source import FileConfig

LINES = (".jsonl", ".ndjson")
BATCH_CHARACTERS = 4 << 20
MAX_COLUMNS = 20_000
LINE_ENDS = str.maketrans("\n\r", "  ")
"""Outside its strings, JSON takes a line end for a space; inside, none may stand."""
ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True)
class JsonSource(ReadInWhole):
    """A JSON file, examined. ``members`` are the names in the file, by which ``types`` follow in the same order.

    ``rendered`` are those in which a value can need more than the engine's reader: its text, or a decimal.
    """

    file: FileContent
    layout: Layout
    members: tuple[str, ...]
    types: Mapping[str, pl.DataType]
    records: int
    notes: tuple[str, ...]
    rendered: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The file's name."""
        return self.file.name

    def frame(self, audit: Audit) -> pl.LazyFrame:
        """The members of each record by name, a missing one as null, then the audit columns."""
        schema = pl.Schema({ROW_NUMBER: pl.Int64(), **{f"{number}": kept for number, kept in enumerate(self._stored)}})
        columns = [pl.col(f"{number}").alias(name) for number, name in enumerate(self.types)]
        return with_audit_columns(
            streamed(self._batches, schema), columns, audit, source_file=self.name, row_number=pl.col(ROW_NUMBER)
        )

    @property
    def _stored(self) -> list[pl.DataType]:
        return [stored(carried) for carried in self.types.values()]

    def _batches(self) -> Iterator[pl.DataFrame]:
        """The rows under names that no member has, behind the numbers of their records."""
        kinds = dict(zip(self.members, self._stored, strict=True))
        plain = {member: kept for member, kept in kinds.items() if member not in self.rendered}
        number = 1
        for records_of_batch, texts in self._pieces():
            rows = pl.read_ndjson("\n".join(texts).encode(), schema=plain) if plain else pl.DataFrame(height=len(texts))
            columns = [
                pl.Series([fitted_value(record.get(member), kept) for record in records_of_batch], dtype=kept, strict=True)
                if member in self.rendered
                else rows[member]
                for member, kept in kinds.items()
            ]
            numbers = pl.int_range(number, number + len(texts), dtype=pl.Int64, eager=True).alias(ROW_NUMBER)
            yield pl.DataFrame([numbers, *(column.alias(f"{at}") for at, column in enumerate(columns))])
            number += len(texts)

    def _pieces(self) -> Iterator[tuple[list[dict[str, Any]], list[str]]]:
        """Records with their texts, each in one line, a batch at a time."""
        decoder = json.JSONDecoder(parse_int=PreciseNumber, parse_float=PreciseNumber) if self.rendered else json.JSONDecoder()
        text = JsonText(self.file.open_stream(), file=self.name)
        values: list[dict[str, Any]] = []
        texts: list[str] = []
        size = 0
        for value, source in records(text, self.layout, decoder.raw_decode):
            if self.rendered:
                values.append(value)
            texts.append(source.translate(LINE_ENDS) if "\n" in source or "\r" in source else source)
            size += len(source)
            if len(texts) == BATCH_ROWS or size >= BATCH_CHARACTERS:
                yield values, texts
                values, texts, size = [], [], 0
        if texts:
            yield values, texts


def examine_json(file: FileContent, config: FileConfig) -> JsonSource:
    """Decode every record of a file: the members over all of them, in the order in which they first appear, and their types.

    Raises DataFault naming record and line for what is no JSON, for an object with a name twice, and for half of a surrogate
    pair; DataFault for a file without content and for one of more than 20,000 members.
    """
    lines = file.content_name.lower().endswith(LINES)
    layout = layout_of(JsonText(file.open_stream(), file=file.name), record_path=config.record_path, lines=lines)
    try:
        return _examine(file, layout, lines=lines)
    except OtherLayout:
        return _examine(file, Layout(), lines=lines)


def _examine(file: FileContent, layout: Layout, *, lines: bool) -> JsonSource:
    text = JsonText(file.open_stream(), file=file.name)
    if not text.peek():
        raise DataFault(f"{file.name} is empty: it has no records", file=file.name)
    shape, count = Shape(), 0
    record: dict[str, Any] = {}
    for record, source in records(text, layout, strict_decoder()):
        count += 1
        shape.see_members(record)
        if "\\u" in source and ESCAPED_SURROGATE.search(source):
            _require_whole_characters(record, text)
        if len(shape.members) > MAX_COLUMNS:
            raise text.fault(f"with this record there are more than {MAX_COLUMNS:,} different members, so these are no columns")
    names = unique_names(list(shape.members))
    types: dict[str, pl.DataType] = {}
    told: list[str] = []
    rendered = set()
    for name, (member, seen) in zip(names, shape.members.items(), strict=True):
        typing = Typing()
        types[name] = typing.type_of(seen, name)
        told += typing.notes
        if not typing.is_plain:
            rendered.add(member)
    notes = [f"{file.name}: {note}" for note in told]
    arrays = [name for name, value in record.items() if isinstance(value, list) and value and isinstance(value[0], dict)]
    if count == 1 and arrays and layout == Layout() and not lines:
        notes.append(
            f"{file.name} is one object, and so one record; state recordPath to read the elements of its array "
            f"{arrays[0]!r} instead"
        )
    return JsonSource(file, layout, tuple(shape.members), types, count, tuple(notes), frozenset(rendered))


def _require_whole_characters(record: dict[str, Any], text: JsonText) -> None:
    try:
        json.dumps(record, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        text.record -= 1
        raise text.fault("a \\u escape stands for half of a character; the other half is missing") from error
