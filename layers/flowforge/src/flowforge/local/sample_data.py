"""The sample files of the shop: customers, orders and payments with the flaws that real files have.

The same seed gives the same bytes. The generator knows which flaw it planted in which row, so its account tells what a
correct Silver layer must report, without reading a file back: the yardstick of the tests of a whole run.
"""

import csv
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

DEFAULT_SEED = 20260131
CUSTOMERS, ORDERS, PAYMENTS = 7_600, 38_400, 43_200
"""Records before repeats are added; the files come out at about 8,000, 40,000 and 45,000."""

FIRST_DAY = date(2023, 1, 1)
DAYS = 1_095
FIRST_NAMES = ("Anna", "Jürgen", "Zoë", "Björn", "Maria", "José", "Günther", "Łucja", "Peter", "Søren", "Chloé", "Emma")
LAST_NAMES = ("Müller", "Schmidt", "Großmann", "Weiß", "Jäger", "Núñez", "Dvořák", "Hansen", "O'Brien", "van der Berg")
CITIES = (
    ("Dresden", "01067", "DE"),
    ("Köln", "50667", "DE"),
    ("Wien", "1010", "AT"),
    ("Zürich", "8001", "CH"),
    ("Málaga", "29001", "ES"),
    ("Besançon", "25000", "FR"),
    ("Boston", "02108", "US"),
    ("Kraków", "30-059", "PL"),
)
COUNTRIES = tuple(dict.fromkeys(country for _, _, country in CITIES))
STATUSES = ("open", "paid", "shipped", "returned")
METHODS = ("card", "transfer", "wallet", "invoice", "cash")
NOTES = ("Call first,\nthen ring twice", 'Said "after 6 pm", not before', "Two flats, one door\n\nthe left one")
BAD_DATES = ("2026-02-30", "n/a", "2025-13-01")
BAD_GERMAN_DATES = ("31.02.2026", "n/a", "00.01.2025")
BAD_AMOUNTS = ("unknown", "12.5O", "1.2.3")

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
class _Row:
    """A record with what is known about it. ``key`` and ``group`` are what Silver and Gold see of it."""

    cells: Mapping[str, str]
    key: str
    group: str = ""
    cents: int = 0
    harm: Harm = "none"
    flaws: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Flaw:
    """A change to one column of some rows: how many rows, and what it does to them in Silver."""

    name: str
    column: str
    rows: int
    change: Change
    harm: Harm = "none"


@dataclass(frozen=True)
class _Table:
    """How one file is made: its clean rows, the flaws in them, and what a late correction changes."""

    name: str
    rows: list[_Row]
    flaws: tuple[_Flaw, ...]
    corrected_column: str
    corrected: Change
    exact_duplicates: int
    late_corrections: int
    broken_corrections: int


def write_sample(folder: Path, seed: int = DEFAULT_SEED) -> dict[str, Account]:
    """Write the three files into the folder; the answer is the account of each by its base name."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)  # noqa: S311  # a sample, not a secret
    return {table.name: _write(rng, table, folder / table.name) for table in (_customers(rng), _orders(rng), _payments(rng))}


def _customers(rng: random.Random) -> _Table:
    rows = []
    for number in range(1, CUSTOMERS + 1):
        first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
        city, postal_code, country = rng.choice(CITIES)
        cells = {
            "customer_id": f"C{number:05}",
            "first_name": first,
            "last_name": last,
            "email": f"customer.{number}@example.org",
            "phone": f"+49 351 {rng.randrange(10**6):06}",
            "city": city,
            "postal_code": postal_code,
            "country": country,
            "registered_on": _day(rng).isoformat(),
            "note": "",
        }
        rows.append(_Row(cells, key=cells["customer_id"], group=country))
    flaws = (
        _Flaw("missing key", "customer_id", 12, _always(""), "key"),
        _Flaw("stray spaces in the key", "customer_id", 60, _padded),
        _Flaw("bad date", "registered_on", 45, _one_of(BAD_DATES), "cast"),
        _Flaw("date with stray spaces", "registered_on", 40, _padded),
        _Flaw("missing e-mail", "email", 70, _always(""), "rule"),
        _Flaw("broken e-mail", "email", 90, lambda _, email: email.replace("@", " at ")),
        _Flaw("shared e-mail", "email", 25, _always("office@example.org")),
        _Flaw("stray spaces", "last_name", 300, _padded),
        _Flaw("quoted newline or comma", "note", 250, _one_of(NOTES)),
        _Flaw("empty field", "phone", 400, _always("")),
    )
    return _Table("customers.csv", rows, flaws, "email", lambda _, email: f"new.{email}", 150, 240, 10)


def _orders(rng: random.Random) -> _Table:
    rows = []
    for number in range(1, ORDERS + 1):
        cents, country = rng.randrange(500, 90_000), rng.choice(COUNTRIES)
        cells = {
            "order_id": f"{100_000 + number}",
            # Some orders name a customer that the shop never had: a flaw for a later reconciliation to find.
            "customer_id": f"C{rng.randrange(1, CUSTOMERS + 100):05}",
            "ordered_on": _day(rng).isoformat(),
            "country": country,
            "quantity": f"{rng.randrange(1, 9)}",
            "amount": _amount(cents),
            "status": rng.choice(STATUSES),
            "comment": "",
        }
        rows.append(_Row(cells, key=cells["order_id"], group=country, cents=cents))
    flaws = (
        _Flaw("missing key", "order_id", 25, _always(""), "key"),
        _Flaw("bad date", "ordered_on", 80, _one_of(BAD_DATES), "cast"),
        _Flaw("bad amount", "amount", 30, _one_of(BAD_AMOUNTS), "cast"),
        _Flaw("thousands separator", "amount", 900, _in_thousands),
        _Flaw("amount with stray spaces", "amount", 200, _padded),
        _Flaw("stray spaces", "country", 500, _padded),
        _Flaw("empty field", "country", 60, _always("")),
        _Flaw("missing customer", "customer_id", 35, _always(""), "rule"),
        _Flaw("quoted newline or comma", "comment", 700, _one_of(NOTES)),
    )
    return _Table("orders.csv", rows, flaws, "status", _always("returned"), 700, 880, 20)


def _payments(rng: random.Random) -> _Table:
    rows = []
    for number in range(1, PAYMENTS + 1):
        cents, method, day = rng.randrange(500, 90_000), rng.choice(METHODS), _day(rng)
        second = rng.randrange(86_400)
        cells = {
            "payment_id": f"P{number:06}",
            "order_id": f"{100_000 + rng.randrange(1, ORDERS + 1)}",
            "method": method,
            "amount": _amount(cents),
            "booked_on": day.strftime("%d.%m.%Y"),
            "paid_at": f"{day.isoformat()} {second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}",
            "reference": f"{number:010}",
        }
        rows.append(_Row(cells, key=cells["payment_id"], group=method, cents=cents))
    flaws = (
        _Flaw("missing key", "payment_id", 30, _always(""), "key"),
        _Flaw("bad date", "booked_on", 60, _one_of(BAD_GERMAN_DATES), "cast"),
        _Flaw("thousands separator", "amount", 150, _in_thousands, "cast"),
        _Flaw("missing order", "order_id", 40, _always(""), "rule"),
        _Flaw("shared reference", "reference", 20, _always("0000000000")),
        _Flaw("stray spaces", "method", 600, _padded),
        _Flaw("empty field", "reference", 500, _always("")),
    )
    return _Table("payments.csv", rows, flaws, "reference", lambda _, text: f"{text}-2", 800, 985, 15)


def _write(rng: random.Random, table: _Table, path: Path) -> Account:
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


def _flawed(rng: random.Random, row: _Row, flaw: _Flaw) -> _Row:
    value = flaw.change(rng, row.cells[flaw.column])
    changed = replace(row, cells={**row.cells, flaw.column: value}, harm=flaw.harm, flaws=(*row.flaws, flaw.name))
    if flaw.column == "country" and not value:
        return replace(changed, group="")
    if flaw.change is _in_thousands and flaw.harm == "none":
        return replace(changed, cents=int(value.replace(",", "").replace(".", "")))
    return changed


def _account(path: Path, rows: Iterable[_Row]) -> Account:
    harms: Counter[Harm] = Counter()
    flaws: Counter[str] = Counter()
    last: dict[str, _Row] = {}
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


def _day(rng: random.Random) -> date:
    return FIRST_DAY + timedelta(days=rng.randrange(DAYS))


def _amount(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def _in_thousands(rng: random.Random, _: str) -> str:
    cents = rng.randrange(100_000, 999_999)
    return f"{cents // 100:,}.{cents % 100:02}"


def _padded(rng: random.Random, value: str) -> str:
    return f" {value}" if rng.random() < 0.5 else f"{value}  "


def _always(value: str) -> Change:
    return lambda _rng, _value: value


def _one_of(values: tuple[str, ...]) -> Change:
    return lambda rng, _value: rng.choice(values)
