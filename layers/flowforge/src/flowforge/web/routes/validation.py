"""The three looks at a delimited text before it is uploaded, from the start of it that a page reads by itself."""

from typing import Annotated

import polars as pl
from fastapi import APIRouter
from pydantic import Field

from flowforge.lake.keys import safe_file_name
from flowforge.medallion.dialect import dialect_of
from flowforge.medallion.header import unique_names
from flowforge.medallion.header_detection import RECORDS, first_records, guess_header
from flowforge.medallion.inference import infer_types
from flowforge.model.base import Document
from flowforge.model.errors import ConfigFault
from flowforge.model.source_format import SourceFormat, named_format
from flowforge.model.text_options import TextOptions
from flowforge.web.access import Viewer
from flowforge.web.examination_views import HeaderDetection

router = APIRouter(prefix="/api", tags=["validation"])
SHOWN_ROWS = 3
MAX_START_CHARACTERS = 500_000
LARGE_BYTES, VERY_LARGE_BYTES = 5 << 20, 20 << 20
BASIC_DONE, HEADER_DONE, SCHEMA_DONE = 30, 70, 100
Row = Annotated[list[Annotated[str, Field(max_length=100_000)]], Field(max_length=20_000)]
Rows = Annotated[list[Row], Field(min_length=1, max_length=RECORDS)]


class TextStart(Document):
    """The name and the length in bytes of a file, and its first characters: whole lines, or all of it."""

    file_name: Annotated[str, Field(min_length=1, max_length=4096)]
    file_size: Annotated[int, Field(ge=0)]
    start: Annotated[str, Field(max_length=MAX_START_CHARACTERS)]


class BasicValidation(Document):
    """What the file is."""

    file_format: SourceFormat | None
    file_size: int
    is_empty: bool


class TextMetadata(Document):
    """What stands at the start. ``rowCount`` counts the records that were sent, at most 100, a header included."""

    file_name: str
    delimiter: str
    row_count: int
    column_count: int
    first_three_rows: list[list[str]]


class BasicAnswer(Document):
    """Whether the file can be a delimited text with rows."""

    success: bool
    validation: BasicValidation
    metadata: TextMetadata
    notices: list[str]
    progress: int = BASIC_DONE


class FirstRows(Document):
    """The first records, as fields."""

    first_three_rows: Rows


class HeaderAnswer(Document):
    """Whether the first record is a header, and the names that the columns would have."""

    success: bool = True
    header_detection: HeaderDetection
    suggested_headers: list[str]
    progress: int = HEADER_DONE


class SchemaRequest(FirstRows):
    """The first records, and whether the first one is a header."""

    has_header: bool


class SuggestedColumn(Document):
    """A column of a text without a header; ``position`` counts from 1. The type follows from the records that were sent."""

    position: int
    suggested_name: str
    data_type: str
    sample_values: list[str]


class TextSchema(Document):
    """The names of the columns; where the file has none, what is known of each."""

    needs_column_naming: bool
    suggested_headers: list[str]
    suggested_columns: list[SuggestedColumn]


class SchemaAnswer(Document):
    """The columns."""

    success: bool = True
    text_schema: Annotated[TextSchema, Field(alias="schema")]
    progress: int = SCHEMA_DONE


@router.post("/validate-csv-basic")
def validate_basics(_caller: Viewer, given: TextStart) -> BasicAnswer:
    """First: is it a text with rows? An empty one, and one of a single record, is no success."""
    name = safe_file_name(given.file_name)
    dialect = dialect_of(TextOptions(), given.start, file=name)
    records = first_records(given.start, dialect)
    notices = []
    if given.file_size >= LARGE_BYTES:
        size = "very large" if given.file_size >= VERY_LARGE_BYTES else "large"
        notices.append(
            f"{name} is {size} ({given.file_size >> 20} MB): it is described from its start, and read in full by its run"
        )
    if len(records) < 2:
        notices.append(f"{name} has {'no rows' if not records else 'one row alone'}")
    return BasicAnswer(
        success=len(records) > 1,
        validation=BasicValidation(file_format=named_format(name), file_size=given.file_size, is_empty=not records),
        metadata=TextMetadata(
            file_name=name,
            delimiter=dialect.delimiter,
            row_count=len(records),
            column_count=len(records[0]) if records else 0,
            first_three_rows=records[:SHOWN_ROWS],
        ),
        notices=notices,
    )


@router.post("/validate-csv-headers")
def validate_header(_caller: Viewer, given: FirstRows) -> HeaderAnswer:
    """Second: is the first record a header?"""
    guess = guess_header(given.first_three_rows)
    if guess is None:
        raise ConfigFault("at least two records of the same number of fields are needed", option="firstThreeRows")
    first = given.first_three_rows[0]
    names = unique_names(first if guess.has_header else [""] * len(first))
    return HeaderAnswer(header_detection=HeaderDetection.of(guess), suggested_headers=list(names))


@router.post("/validate-csv-schema")
def validate_schema(_caller: Viewer, given: SchemaRequest) -> SchemaAnswer:
    """Third: what are the columns called?"""
    first = given.first_three_rows[0]
    names = unique_names(first if given.has_header else [""] * len(first))
    columns = [] if given.has_header else _suggested(given.first_three_rows, names)
    found = TextSchema(needs_column_naming=not given.has_header, suggested_headers=list(names), suggested_columns=columns)
    return SchemaAnswer(text_schema=found)


def _suggested(records: list[Row], names: tuple[str, ...]) -> list[SuggestedColumn]:
    whole = [record for record in records if len(record) == len(names)]
    rows = pl.DataFrame(whole, schema=dict.fromkeys(names, pl.String), orient="row")
    types = infer_types(rows.with_row_index("_row_number", offset=1).lazy(), names).types
    return [
        SuggestedColumn(
            position=position,
            suggested_name=name,
            data_type=str(types[name]),
            sample_values=rows[name].head(SHOWN_ROWS).to_list(),
        )
        for position, name in enumerate(names, start=1)
    ]
