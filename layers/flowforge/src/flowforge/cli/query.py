"""``flowforge query``: one statement, its rows in the form that is asked for, and what it cost."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TextIO

from rich import box
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from flowforge.cli.endings import SUCCESS, say
from flowforge.cli.lake_access import LakeAccess
from flowforge.cli.query_values import NUMBERS, python_value, typed_frame
from flowforge.cli.untrusted import cell
from flowforge.cli.usage import UsageError
from flowforge.lake.athena import QueryAnswer, ResultColumn, Row
from flowforge.model.layer import Layer

TABLE_ROWS = 1000
CELL_CHARACTERS = 60


class ResultFormat(StrEnum):
    """The forms of an answer."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


def query(
    access: LakeAccess,
    sql: str,
    *,
    database: str | None,
    form: ResultFormat,
    output: Path | None,
    console: Console,
    errors: Console,
) -> int:
    """Ask, and write the rows to a file or to standard output. Raises UsageError for a form that the screen cannot take."""
    if form is ResultFormat.PARQUET and output is None:
        raise UsageError("--format parquet needs a file: add --output FILE")
    answer = access.athena.query(sql, database=_database(access, database))
    if form is ResultFormat.TABLE:
        count = _print_table(answer, console if output is None else None, output)
    elif form is ResultFormat.PARQUET and output is not None:
        frame = typed_frame(answer.columns, answer.rows)
        frame.write_parquet(output)
        count = frame.height
    else:
        with _opened(output) as stream:
            writer = _write_csv if form is ResultFormat.CSV else _write_json
            count = writer(stream, answer.columns, answer.rows)
    cost = answer.cost
    rows = "1 row" if count == 1 else f"{count:,} rows"
    say(errors, f"{rows}, {decimal(cost.scanned_bytes)} read in {cost.seconds:.1f} s, {cost.usd:.6f} USD ({answer.execution_id})")
    return SUCCESS


def _database(access: LakeAccess, stated: str | None) -> str:
    """A layer's name stands for its database."""
    if stated is None:
        return access.catalog.database(Layer.GOLD)
    return access.catalog.database(Layer(stated)) if stated in list(Layer) else stated


def _print_table(answer: QueryAnswer, console: Console | None, output: Path | None) -> int:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for column in answer.columns:
        table.add_column(cell(column.name, limit=CELL_CHARACTERS), justify="right" if column.type in NUMBERS else "left")
    count = 0
    for count, row in enumerate(answer.rows, start=1):
        if count <= TABLE_ROWS:
            table.add_row(*(Text("null", style="dim") if value is None else cell(value, limit=CELL_CHARACTERS) for value in row))
    more = f"and {count - TABLE_ROWS:,} more rows; --format csv writes them all" if count > TABLE_ROWS else ""
    if console is not None:
        console.print(table)
        if more:
            say(console, more)
        return count
    with _opened(output) as stream:
        Console(file=stream, width=10_000, color_system=None).print(table, more)
    return count


def _write_csv(stream: TextIO, columns: Sequence[ResultColumn], rows: Iterator[Row]) -> int:
    """Null is an empty field, an empty text is a quoted one."""
    stream.write(",".join(_csv_field(column.name) for column in columns) + "\r\n")
    written = 0
    for row in rows:
        stream.write(",".join(map(_csv_field, row)) + "\r\n")
        written += 1
    return written


def _csv_field(value: str | None) -> str:
    if value is None:
        return ""
    quoted = value == "" or any(character in value for character in ',"\r\n')
    return '"' + value.replace('"', '""') + '"' if quoted else value


def _write_json(stream: TextIO, columns: Sequence[ResultColumn], rows: Iterator[Row]) -> int:
    """An array of objects, a row on each line."""
    stream.write("[")
    count = 0
    for count, row in enumerate(rows, start=1):
        values = {column.name: python_value(column.type, value) for column, value in zip(columns, row, strict=True)}
        stream.write(("\n" if count == 1 else ",\n") + json.dumps(values, ensure_ascii=False))
    stream.write("\n]\n")
    return count


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        return
    with output.open("w", encoding="utf-8", newline="") as stream:
        yield stream
