"""How flaws are planted in a sample file, and the account that is kept of them.

The generator knows which flaw it planted in which row, so its account tells what a correct Silver layer must report,
without reading a file back: the yardstick of the tests of a whole run.
"""

import csv
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

Harm = Literal["none", "key", "cast", "rule"]
Change = Callable[[random.Random, str], str]


@dataclass(frozen=True)
class Group:
    """What Gold must show for one group: the rows, and the sum of their amounts in cents."""

    rows: int
    cents: int


@dataclass(frozen=True)
class Account:
    """What was planted in one file, and what Silver has to make of it on a first run.

    ``flaws`` counts the rows per planted flaw, repeats of them included. A row with a missing key or a cell that does
    not fit its declared type is quarantined before rows of the same key are compared; a rule is applied after that.
    """

    path: Path
    records: int
    distinct_keys: int
    missing_keys: int
    uncastable: int
    superseded: int
    rule_broken: int
    accepted: int
    flaws: Mapping[str, int]
    groups: Mapping[str, Group]

    @property
    def quarantined(self) -> int:
        """The rows that Silver must quarantine."""
        return self.missing_keys + self.uncastable + self.rule_broken


@dataclass(frozen=True)
class Row:
    """A record with what is known about it. ``key`` and ``group`` are what Silver and Gold see of it."""

    cells: Mapping[str, str]
    key: str
    group: str = ""
    cents: int = 0
    harm: Harm = "none"
    flaws: tuple[str, ...] = ()


@dataclass(frozen=True)
class Flaw:
    """A change to one column of some rows: how many rows, and what it does to them in Silver."""

    name: str
    column: str
    rows: int
    change: Change
    harm: Harm = "none"


@dataclass(frozen=True)
class Table:
    """How one file is made: its clean rows, the flaws in them, and what a late correction changes."""

    name: str
    rows: list[Row]
    flaws: tuple[Flaw, ...]
    corrected_column: str
    corrected: Change
    exact_duplicates: int
    late_corrections: int
    broken_corrections: int


def write_table(rng: random.Random, table: Table, path: Path) -> Account:
    """Plant the flaws, add the repeats behind their first records, write the file, keep the account."""
    rows = list(table.rows)
    # One flaw in a row at most, so that the harm a row suffers is never in doubt.
    free = rng.sample(range(len(rows)), sum(flaw.rows for flaw in table.flaws))
    for flaw in table.flaws:
        for index in free[: flaw.rows]:
            rows[index] = _flawed(rng, rows[index], flaw)
        del free[: flaw.rows]
    placed = [(index, row) for index, row in enumerate(rows)]
    for index in rng.sample(range(len(rows)), table.exact_duplicates):
        row = rows[index]
        placed.append((rng.randrange(index, len(rows)), replace(row, flaws=(*row.flaws, "exact duplicate"))))
    bad_date = next(flaw for flaw in table.flaws if flaw.name == "bad date")
    corrections = rng.sample(range(len(rows)), table.late_corrections)
    for position, index in enumerate(corrections):
        # A correction starts from the record without its flaw, so some corrections mend a row that was quarantined.
        first = table.rows[index]
        cells = {**first.cells, table.corrected_column: table.corrected(rng, first.cells[table.corrected_column])}
        row = replace(first, cells=cells, flaws=("late correction",))
        if position < table.broken_corrections:
            row = _flawed(rng, row, bad_date)
        placed.append((rng.randrange(index, len(rows)), row))
    placed.sort(key=lambda place: place[0])  # stable: a repeat never stands before its first record
    in_order = [row for _, row in placed]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0].cells), lineterminator="\n")
        writer.writeheader()
        writer.writerows(row.cells for row in in_order)
    return _account(path, in_order)


def _flawed(rng: random.Random, row: Row, flaw: Flaw) -> Row:
    value = flaw.change(rng, row.cells[flaw.column])
    changed = replace(row, cells={**row.cells, flaw.column: value}, harm=flaw.harm, flaws=(*row.flaws, flaw.name))
    if flaw.column == "country" and not value:
        return replace(changed, group="")
    if flaw.change is in_thousands and flaw.harm == "none":
        return replace(changed, cents=int(value.replace(",", "").replace(".", "")))
    return changed


def _account(path: Path, rows: Iterable[Row]) -> Account:
    harms: Counter[Harm] = Counter()
    flaws: Counter[str] = Counter()
    last: dict[str, Row] = {}
    keys = set()
    for row in rows:
        harms[row.harm] += 1
        flaws.update(row.flaws)
        if any(not value.isascii() for value in row.cells.values()):
            flaws["letter beyond ASCII"] += 1
        if row.cells.get("postal_code", "").startswith("0"):
            flaws["leading zero"] += 1
        if row.harm != "key":
            keys.add(row.key)
        if row.harm not in ("key", "cast"):
            last[row.key] = row
    accepted = [row for row in last.values() if row.harm != "rule"]
    members: Counter[str] = Counter(row.group for row in accepted)
    cents: Counter[str] = Counter()
    for row in accepted:
        cents[row.group] += row.cents
    return Account(
        path=path,
        records=harms.total(),
        distinct_keys=len(keys),
        missing_keys=harms["key"],
        uncastable=harms["cast"],
        superseded=harms["none"] + harms["rule"] - len(last),
        rule_broken=len(last) - len(accepted),
        accepted=len(accepted),
        flaws=dict(flaws),
        groups={name: Group(count, cents[name]) for name, count in sorted(members.items())},
    )


def in_thousands(rng: random.Random, _: str) -> str:
    """Write another amount, with a separator of thousands."""
    cents = rng.randrange(100_000, 999_999)
    return f"{cents // 100:,}.{cents % 100:02}"


def padded(rng: random.Random, value: str) -> str:
    """Add a space in front or two behind."""
    return f" {value}" if rng.random() < 0.5 else f"{value}  "


def always(value: str) -> Change:
    """Make a change to one value."""
    return lambda _rng, _value: value


def one_of(values: tuple[str, ...]) -> Change:
    """Make a change to a value drawn from these."""
    return lambda rng, _value: rng.choice(values)
