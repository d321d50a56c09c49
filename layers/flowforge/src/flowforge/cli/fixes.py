"""The rows that a person chose to go through again, and the values that they are to have."""

import json
import re
from pathlib import Path

import polars as pl

from flowforge.cli.untrusted import printable
from flowforge.cli.usage import UsageError
from flowforge.model.replay import ReplayedRow
from flowforge.steps.quarantine_reader import NUMBER

SPAN = re.compile(r"(\d+)(?:-(\d+))?")


def replayed_rows(total: int, *, rows: str | None, fix: Path | None, values: tuple[str, ...]) -> tuple[ReplayedRow, ...]:
    """The chosen rows in order, of a quarantine of ``total`` rows.

    Without numbers those of the file of fixes are chosen, without one all. Raises UsageError naming the wrong option.
    """
    fixes = read_fixes(fix) if fix is not None else {}
    stated = dict(_assigned(text) for text in values)
    numbers = _numbers(rows) if rows is not None else sorted(fixes) or list(range(1, total + 1))
    beyond = [number for number in (*numbers, *fixes) if not 1 <= number <= total]
    if beyond:
        raise UsageError(f"{'--rows' if rows else '--fix'}: the quarantine has {total} rows, and no row {beyond[0]}")
    unchosen = sorted(set(fixes) - set(numbers))
    if unchosen:
        raise UsageError(f"--fix has values for row {unchosen[0]}, which --rows does not choose")
    return tuple(ReplayedRow(number=number, values={**stated, **fixes.get(number, {})}) for number in numbers)


def read_fixes(path: Path) -> dict[int, dict[str, str | None]]:
    """The values of a file by the rows' numbers: CSV, where an empty cell is null, or a JSON list of objects."""
    if not path.is_file():
        raise UsageError(f"--fix: there is no file {printable(str(path))}")
    try:
        records = _json(path) if path.suffix.lower() == ".json" else pl.read_csv(path, infer_schema=False).to_dicts()
        fixes = {int(str(record[NUMBER])): _texts(record) for record in records}
    except KeyError as error:
        raise UsageError(f"--fix: {printable(str(path))}: each row needs a {NUMBER}, as 'quarantine show' tells it") from error
    except (ValueError, TypeError, AttributeError, pl.exceptions.PolarsError) as error:
        raise UsageError(f"--fix: {printable(str(path))} cannot be read: {printable(str(error), limit=200)}") from error
    if len(fixes) != len(records):
        raise UsageError(f"--fix: {printable(str(path))} has a {NUMBER} twice")
    return fixes


def _json(path: Path) -> list[dict[str, object]]:
    document = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(document, list):
        raise ValueError("it is no list of objects")  # told to a person, as the file's other faults
    return document


def _texts(record: dict[str, object]) -> dict[str, str | None]:
    """The values as the text that Bronze holds."""
    told: dict[str, str | None] = {}
    for column, value in record.items():
        if column != NUMBER:
            told[column] = value if isinstance(value, str) or value is None else json.dumps(value)
    return told


def _assigned(text: str) -> tuple[str, str | None]:
    column, equals, value = text.partition("=")
    if not column or not equals:
        raise UsageError(f"--set: {printable(text)!r} is not of the form COLUMN=VALUE")
    return column, value or None


def _numbers(text: str) -> list[int]:
    numbers: set[int] = set()
    for part in text.split(","):
        span = SPAN.fullmatch(part.strip())
        if span is None:
            raise UsageError(f"--rows: {printable(part)!r} is no number and no span such as 4-7")
        numbers |= set(range(int(span[1]), int(span[2] or span[1]) + 1))
    return sorted(numbers)
