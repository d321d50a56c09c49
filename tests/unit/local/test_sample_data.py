"""The sample is the same everywhere, well formed, and what its account says."""

import csv
import hashlib
from collections import Counter
from pathlib import Path

import pytest

from flowforge.local.sample_data import write_sample
from flowforge.local.sample_flaws import Account

DIGESTS = {
    "customers.csv": "b68c4b9a062e7453",
    "orders.csv": "b4548a013ca698ed",
    "payments.csv": "6dd417b1b1c1a6f9",
}
KEYS = {"customers.csv": "customer_id", "orders.csv": "order_id", "payments.csv": "payment_id"}


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Account]:
    return write_sample(tmp_path_factory.mktemp("sample"))


def records(account: Account) -> list[dict[str, str]]:
    with account.path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def test_every_machine_and_python_makes_the_same_bytes(accounts: dict[str, Account]) -> None:
    digests = {name: hashlib.sha256(account.path.read_bytes()).hexdigest()[:16] for name, account in accounts.items()}
    assert digests == DIGESTS


def test_another_seed_makes_other_files(accounts: dict[str, Account], tmp_path: Path) -> None:
    others = write_sample(tmp_path, seed=1)
    assert others.keys() == accounts.keys()
    assert all(other.path.read_bytes() != accounts[name].path.read_bytes() for name, other in others.items())


@pytest.mark.parametrize(("name", "about"), [("customers.csv", 8_000), ("orders.csv", 40_000), ("payments.csv", 45_000)])
def test_a_file_has_the_records_that_its_account_names(accounts: dict[str, Account], name: str, about: int) -> None:
    found = records(accounts[name])
    assert len(found) == accounts[name].records == pytest.approx(about, rel=0.01)
    assert {len(record) for record in found} == {len(found[0])}


@pytest.mark.parametrize("name", KEYS)
def test_every_row_is_accounted_for(accounts: dict[str, Account], name: str) -> None:
    account = accounts[name]
    assert account.records == account.accepted + account.superseded + account.quarantined
    assert sum(group.rows for group in account.groups.values()) == account.accepted


@pytest.mark.parametrize("name", KEYS)
def test_keys_are_counted_as_they_stand_in_the_file(accounts: dict[str, Account], name: str) -> None:
    keys = [record[KEYS[name]].strip() for record in records(accounts[name])]
    assert keys.count("") == accounts[name].missing_keys > 0
    assert len(set(keys) - {""}) == accounts[name].distinct_keys


def test_bad_dates_and_amounts_are_counted_as_they_stand_in_the_file(accounts: dict[str, Account]) -> None:
    orders = records(accounts["orders.csv"])
    bad_dates = [order for order in orders if order["ordered_on"] in ("2026-02-30", "n/a", "2025-13-01")]
    bad_amounts = [order for order in orders if not order["amount"].strip().replace(",", "").replace(".", "", 1).isdigit()]
    assert len(bad_dates) == accounts["orders.csv"].flaws["bad date"]
    assert len(bad_amounts) == accounts["orders.csv"].flaws["bad amount"]
    assert len(bad_dates) + len(bad_amounts) == accounts["orders.csv"].uncastable


@pytest.mark.parametrize(
    ("name", "flaw"),
    [
        *(("customers.csv", flaw) for flaw in ("broken e-mail", "shared e-mail", "missing e-mail", "leading zero")),
        *(("customers.csv", flaw) for flaw in ("letter beyond ASCII", "stray spaces in the key", "empty field")),
        *(("orders.csv", flaw) for flaw in ("thousands separator", "quoted newline or comma", "stray spaces")),
        *((name, flaw) for name in KEYS for flaw in ("exact duplicate", "late correction", "bad date", "missing key")),
    ],
)
def test_the_flaws_of_real_files_are_there(accounts: dict[str, Account], name: str, flaw: str) -> None:
    assert accounts[name].flaws[flaw] > 0


def test_quoted_newlines_and_commas_are_in_the_file(accounts: dict[str, Account]) -> None:
    notes = [record["note"] for record in records(accounts["customers.csv"]) if record["note"]]
    assert len(notes) == accounts["customers.csv"].flaws["quoted newline or comma"]
    assert any("\n" in note for note in notes)
    assert any("," in note and '"' in note for note in notes)


def test_a_later_row_of_the_same_key_wins_in_the_account(accounts: dict[str, Account]) -> None:
    """Counts again what Gold must show, from the file and by other means than the generator."""
    account = accounts["payments.csv"]
    last: dict[str, dict[str, str]] = {}
    for record in records(account):
        castable = record["booked_on"] not in ("31.02.2026", "n/a", "00.01.2025") and "," not in record["amount"]
        if record["payment_id"] and castable:
            last[record["payment_id"]] = record
    rows: Counter[str] = Counter()
    cents: Counter[str] = Counter()
    for record in last.values():
        if record["order_id"]:
            rows[record["method"].strip()] += 1
            cents[record["method"].strip()] += int(record["amount"].replace(".", ""))
    assert {name: (group.rows, group.cents) for name, group in account.groups.items()} == {
        name: (rows[name], cents[name]) for name in rows
    }


def test_a_correction_stands_behind_the_record_it_corrects(accounts: dict[str, Account]) -> None:
    seen: set[str] = set()
    early = 0
    for record in records(accounts["payments.csv"]):
        key = record["payment_id"]
        early += record["reference"].endswith("-2") and key not in seen
        seen.add(key)
    # A record that lost its key is corrected under the key it should have had.
    assert early <= accounts["payments.csv"].missing_keys
