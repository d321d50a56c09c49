"""A delimited text: how it is read, and what was found in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from flowforge.medallion.dialect import COMMON, Dialect
from flowforge.medallion.stored_file import FileContent
from flowforge.medallion.text_decoding import decoded
from flowforge.medallion.text_lines import without_first_lines
from flowforge.model.encoding import UTF_8
from flowforge.model.text_options import TextOptions


@dataclass(frozen=True)
class TextReading:
    """A file and how it is read. ``scratch`` is a folder of its own for copies of it."""

    content: FileContent
    options: TextOptions
    dialect: Dialect
    encoding: str
    scratch: Path

    @property
    def is_read_where_it_lies(self) -> bool:
        """Whether the engine can read the stored object itself, and no copy of it in UTF-8."""
        return self.content.is_stored_as_it_is and self.encoding == UTF_8

    def texts(self) -> Iterator[str]:
        """The text from its start, less the lines that are skipped there."""
        texts = decoded(self.content.open_stream(), self.encoding)
        return without_first_lines(texts, self.options.skip_rows, self.dialect.line_end)


@dataclass(frozen=True)
class EngineView:
    """What polars reads, and how. ``path`` is a copy, or None where it is the stored object itself.

    ``skip_lines`` lines are left out at the start, and ``trailing_blank_lines`` follow the last record.
    """

    path: Path | None
    delimiter: str
    quote: str
    has_header: bool
    skip_lines: int = 0
    trailing_blank_lines: int = 0


@dataclass(frozen=True)
class DelimitedText:
    """A file that was examined: its columns in order, its number of records, and the numbers of those that are malformed.

    ``malformed_path`` is a file with these. ``by_records`` tells how it was examined, ``dialect`` and ``encoding`` how it is
    read, ``notes`` what of that was detected.
    """

    name: str
    columns: tuple[str, ...]
    records: int
    view: EngineView
    by_records: bool = False
    malformed_numbers: Sequence[int] = ()
    malformed_path: Path | None = None
    dialect: Dialect = COMMON
    encoding: str = UTF_8
    notes: tuple[str, ...] = ()

    @property
    def malformed(self) -> int:
        """How many records are malformed, and so not in what polars reads."""
        return len(self.malformed_numbers)
