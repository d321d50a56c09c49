"""The sample files of the shop: customers, orders and payments with the flaws that real files have.

The same seed gives the same bytes.
"""

import random
from datetime import date, timedelta
from pathlib import Path

from flowforge.local.sample_flaws import Account, Flaw, Row, Table, always, in_thousands, one_of, padded, write_table

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


def write_sample(folder: Path, seed: int = DEFAULT_SEED) -> dict[str, Account]:
    """Write the three files into the folder; the answer is the account of each by its base name."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)  # noqa: S311  # a sample, not a secret
    return {table.name: write_table(rng, table, folder / table.name) for table in (_customers(rng), _orders(rng), _payments(rng))}


def _customers(rng: random.Random) -> Table:
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
        rows.append(Row(cells, key=cells["customer_id"], group=country))
    flaws = (
        Flaw("missing key", "customer_id", 12, always(""), "key"),
        Flaw("stray spaces in the key", "customer_id", 60, padded),
        Flaw("bad date", "registered_on", 45, one_of(BAD_DATES), "cast"),
        Flaw("date with stray spaces", "registered_on", 40, padded),
        Flaw("missing e-mail", "email", 70, always(""), "rule"),
        Flaw("broken e-mail", "email", 90, lambda _, email: email.replace("@", " at ")),
        Flaw("shared e-mail", "email", 25, always("office@example.org")),
        Flaw("stray spaces", "last_name", 300, padded),
        Flaw("quoted newline or comma", "note", 250, one_of(NOTES)),
        Flaw("empty field", "phone", 400, always("")),
    )
    return Table("customers.csv", rows, flaws, "email", lambda _, email: f"new.{email}", 150, 240, 10)


def _orders(rng: random.Random) -> Table:
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
        rows.append(Row(cells, key=cells["order_id"], group=country, cents=cents))
    flaws = (
        Flaw("missing key", "order_id", 25, always(""), "key"),
        Flaw("bad date", "ordered_on", 80, one_of(BAD_DATES), "cast"),
        Flaw("bad amount", "amount", 30, one_of(BAD_AMOUNTS), "cast"),
        Flaw("thousands separator", "amount", 900, in_thousands),
        Flaw("amount with stray spaces", "amount", 200, padded),
        Flaw("stray spaces", "country", 500, padded),
        Flaw("empty field", "country", 60, always("")),
        Flaw("missing customer", "customer_id", 35, always(""), "rule"),
        Flaw("quoted newline or comma", "comment", 700, one_of(NOTES)),
    )
    return Table("orders.csv", rows, flaws, "status", always("returned"), 700, 880, 20)


def _payments(rng: random.Random) -> Table:
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
        rows.append(Row(cells, key=cells["payment_id"], group=method, cents=cents))
    flaws = (
        Flaw("missing key", "payment_id", 30, always(""), "key"),
        Flaw("bad date", "booked_on", 60, one_of(BAD_GERMAN_DATES), "cast"),
        Flaw("thousands separator", "amount", 150, in_thousands, "cast"),
        Flaw("missing order", "order_id", 40, always(""), "rule"),
        Flaw("shared reference", "reference", 20, always("0000000000")),
        Flaw("stray spaces", "method", 600, padded),
        Flaw("empty field", "reference", 500, always("")),
    )
    return Table("payments.csv", rows, flaws, "reference", lambda _, text: f"{text}-2", 800, 985, 15)


def _day(rng: random.Random) -> date:
    return FIRST_DAY + timedelta(days=rng.randrange(DAYS))


def _amount(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"
