"""The options of ``flowforge run`` that say how files are read, as ``--help`` shows them."""

from typing import Annotated

import typer

READING_FILES = "Reading files"

Format = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="csv (delimited text), json, excel or parquet. Told by content and extension without it.",
        rich_help_panel=READING_FILES,
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="utf-8, utf-16, cp1252, latin-1 or another that Python knows. Detected without it.",
        rich_help_panel=READING_FILES,
    ),
]
Delimiter = Annotated[
    str | None,
    typer.Option(
        help="What separates columns; \\t for a tab. Detected among , ; | and tab without it.", rich_help_panel=READING_FILES
    ),
]
Quote = Annotated[
    str | None,
    typer.Option(help='What fields are quoted with; none where quotes are text. " without it.', rich_help_panel=READING_FILES),
]
Escape = Annotated[
    str | None,
    typer.Option(help="What makes the next character text, such as a backslash.", rich_help_panel=READING_FILES),
]
Comment = Annotated[
    str | None,
    typer.Option(metavar="PREFIX", help="What lines begin with that are left out.", rich_help_panel=READING_FILES),
]
NoHeader = Annotated[
    bool,
    typer.Option("--no-header", help="The first line is a row; columns are column_1, column_2...", rich_help_panel=READING_FILES),
]
SkipRows = Annotated[
    int,
    typer.Option(
        metavar="N", min=0, help="Lines, or rows of a sheet, to leave out before the header.", rich_help_panel=READING_FILES
    ),
]
SkipFooterRows = Annotated[
    int,
    typer.Option(metavar="N", min=0, help="Lines, or rows of a sheet, to leave out at the end.", rich_help_panel=READING_FILES),
]
NullValue = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TEXT", help="A text that means null, besides the empty field. Repeatable.", rich_help_panel=READING_FILES
    ),
]
OnMalformed = Annotated[
    str | None,
    typer.Option(
        metavar="fail|quarantine",
        help="What a record that cannot be read does: fail the run (the default), or go to quarantine.",
        rich_help_panel=READING_FILES,
    ),
]
MaxMalformed = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, help="How many records of a file may go there.", rich_help_panel=READING_FILES),
]
Sheet = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|N",
        help="The sheet of a workbook, by name or number from 1. The first without it.",
        rich_help_panel=READING_FILES,
    ),
]
AllSheets = Annotated[
    bool, typer.Option("--all-sheets", help="Read every visible sheet of a workbook.", rich_help_panel=READING_FILES)
]
HeaderRow = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="The row of the sheet that holds the names. The first one with content without it.",
        rich_help_panel=READING_FILES,
    ),
]
RecordPath = Annotated[
    str | None,
    typer.Option(
        metavar="NAME.NAME",
        help="The array of a JSON document that holds the records, such as data.items.",
        rich_help_panel=READING_FILES,
    ),
]
SchemaEvolution = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Files of other columns than before: strict (they are refused; the default), add_new_columns, ignore_extra.",
        rich_help_panel=READING_FILES,
    ),
]
