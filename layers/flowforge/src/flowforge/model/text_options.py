"""How a delimited text is read: the options of ``fileConfig`` that say it."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from flowforge.model.base import Document
from flowforge.model.compression import CompressionType
from flowforge.model.encoding import UTF_8, known_encoding

MAX_DELIMITER_CHARACTERS = 8
MAX_FOOTER_ROWS = 1000
"""They are held in memory until the file ends."""
LINE_ENDS_AND_NUL = "\r\n\0"
OF_TEXT = (
    "encoding",
    "delimiter",
    "quote_character",
    "escape_character",
    "comment_prefix",
    "on_malformed_row",
    "max_malformed_rows",
)
OF_ROWS = ("has_header", "skip_rows", "skip_footer_rows", "null_values")
WRITTEN_BY_FORMS = {"encoding": UTF_8, "delimiter": ","}
"""A form writes them for files of every format, and they say nothing of one that is no text."""


class OnMalformedRow(StrEnum):
    """What becomes of a record that cannot be read: the step fails, or the record goes to quarantine and the rest goes on."""

    FAIL = "fail"
    QUARANTINE = "quarantine"


class TextOptions(Document):
    """The shape of a delimited text, and of the rows of a workbook (``OF_ROWS``).

    ``encoding``, ``delimiter`` and ``compression_type`` are detected where they are None. An empty ``quote_character`` means that
    quotes are text like any other. ``skip_rows`` and ``skip_footer_rows`` count lines of the file, or rows of a sheet,
    ``max_malformed_rows`` the records of one file that may go to quarantine.
    """

    encoding: str | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=MAX_DELIMITER_CHARACTERS)] | None = None
    quote_character: Annotated[str, Field(max_length=1)] = '"'
    escape_character: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    comment_prefix: Annotated[str, Field(min_length=1)] | None = None
    has_header: bool = True
    skip_rows: Annotated[int, Field(ge=0)] = 0
    skip_footer_rows: Annotated[int, Field(ge=0, le=MAX_FOOTER_ROWS)] = 0
    null_values: tuple[str, ...] = ()
    compression_type: CompressionType | None = None
    on_malformed_row: OnMalformedRow = OnMalformedRow.FAIL
    max_malformed_rows: Annotated[int, Field(ge=0)] | None = None

    @field_validator("encoding")
    @classmethod
    def _known(cls, encoding: str | None) -> str | None:
        return None if encoding is None else known_encoding(encoding)

    @field_validator("delimiter", "quote_character", "escape_character", "comment_prefix")
    @classmethod
    def _within_a_line(cls, text: str | None) -> str | None:
        if text is not None and any(character in LINE_ENDS_AND_NUL for character in text):
            raise ValueError(f"{text!r} holds a line end or a NUL, which cannot stand for anything else")
        return text

    @model_validator(mode="after")
    def _signs_differ(self) -> Self:
        quote, escape, delimiter = self.quote_character, self.escape, self.delimiter or ""
        if delimiter and quote and quote in delimiter:
            raise ValueError(f"the delimiter {delimiter!r} must not hold the quote character {quote!r}")
        if escape and escape in delimiter:
            raise ValueError(f"the delimiter {delimiter!r} must not hold the escape character {escape!r}")
        comment = self.comment_prefix or ""
        if comment and ((quote and comment.startswith(quote)) or (delimiter and comment.startswith(delimiter))):
            raise ValueError(f"the comment prefix {comment!r} must not start like a field or a delimiter does")
        if self.max_malformed_rows is not None and self.on_malformed_row is not OnMalformedRow.QUARANTINE:
            raise ValueError("maxMalformedRows counts what goes to quarantine; it needs onMalformedRow: quarantine")
        return self

    @property
    def escape(self) -> str | None:
        """The escape character; None where it is the quote itself, which every reader takes doubled for one."""
        return None if self.escape_character == self.quote_character else self.escape_character

    @property
    def of_text(self) -> list[str]:
        """The options that are set and that only delimited text has, as people write them."""
        return self.set_options(name for name in OF_TEXT if getattr(self, name) != WRITTEN_BY_FORMS.get(name))

    @property
    def of_rows(self) -> list[str]:
        """The options that are set and that text and workbooks have, as people write them."""
        return self.set_options(OF_ROWS)
