"""What becomes of each row, against a reference in plain Python."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowforge.medallion.silver import Silver
from flowforge.model.contract import ContractColumn, DataType
from flowforge.model.names import AUDIT_COLUMNS
from silver_frames import Text, bronze_rows, contract, job, judged

COLUMNS = contract(id="integer", amount="decimal(8,2)", note="text")
RULES = [
    {"column": "note", "ruleType": "not_null"},
    {"column": "amount", "ruleType": "unique", "name": "amounts differ"},
    {"column": "note", "ruleType": "unique", "severity": "warning"},
]
IDS = {"1": 1, "01": 1, " 2 ": 2, "3": 3}
AMOUNTS = {"1": Decimal(1), "1.00": Decimal(1), "2.5": Decimal("2.5"), None: None, "": None, "9": Decimal(9)}
ROWS = st.lists(
    st.tuples(
        st.sampled_from([*IDS, "x", "", None]), st.sampled_from([*AMOUNTS, "1.005", "no"]), st.sampled_from([None, "", "n", "m"])
    ),
    max_size=25,
)


def reference(rows: list[tuple[Text, Text, Text]]) -> tuple[list[int], int, dict[int, list[str]]]:
    """Positions of the accepted rows, the number of duplicates, and the labels of each row in quarantine."""
    labels: dict[int, list[str]] = {}
    latest: dict[int, int] = {}
    fitting = []
    for position, (key, amount, _) in enumerate(rows):
        failed = [] if key is None or key == "" or key in IDS else ["cast(id)"]
        failed += ["primary_key(id)"] if key in (None, "") else []
        failed += [] if amount in AMOUNTS else ["cast(amount)"]
        if failed:
            labels[position] = failed
        else:
            fitting.append(position)
            latest[IDS[str(key)]] = position
    survivors = sorted(latest.values())
    amounts = [AMOUNTS[rows[position][1]] for position in survivors]
    for position in survivors:
        _, amount, note = rows[position]
        failed = ["not_null(note)"] if note is None else []
        value = AMOUNTS[amount]
        failed += ["amounts differ"] if value is not None and amounts.count(value) > 1 else []
        if failed:
            labels[position] = failed
    return [position for position in survivors if position not in labels], len(fitting) - len(survivors), labels


@settings(max_examples=80, deadline=None, derandomize=True)
@given(ROWS)
def test_every_row_has_the_end_that_the_reference_gives_it(rows: list[tuple[Text, Text, Text]]) -> None:
    accepted_positions, duplicates, labels = reference(rows)
    verdict, accepted, quarantine = judged(rows, COLUMNS, job(key=["id"], rules=RULES))
    assert verdict.duplicates == duplicates
    assert verdict.quarantined == len(labels)
    assert accepted["_row_number"].to_list() == [position + 1 for position in accepted_positions]
    assert accepted["id"].to_list() == [IDS[str(rows[position][0])] for position in accepted_positions]
    assert accepted["amount"].to_list() == [AMOUNTS[rows[position][1]] for position in accepted_positions]
    assert quarantine["_row_number"].to_list() == [position + 1 for position in sorted(labels)]
    assert quarantine["_failed_rules"].to_list() == [labels[position] for position in sorted(labels)]
    assert len(rows) == accepted.height + duplicates + quarantine.height


def test_a_broken_correction_does_not_displace_the_good_row() -> None:
    rows = [("1", "5.00", "first"), ("2", "6", "x"), ("1", "five", "second")]
    verdict, accepted, quarantine = judged(rows, COLUMNS, job(key=["id"]))
    assert accepted.select("id", "amount", "note").rows() == [(1, Decimal(5), "first"), (2, Decimal(6), "x")]
    assert verdict.duplicates == 0
    assert quarantine.select("id", "amount", "note").rows() == [("1", "five", "second")]


def test_the_later_row_of_a_key_wins_and_stands_at_its_own_place() -> None:
    rows = [("1", "1", "a"), ("2", "2", "b"), ("1", "3", "c"), ("3", "4", "d"), ("2", "5", "e")]
    _, accepted, _ = judged(rows, COLUMNS, job(key=["id"]))
    assert accepted["note"].to_list() == ["c", "d", "e"]


def test_without_a_key_a_row_repeats_another_where_every_business_column_does() -> None:
    rows: list[tuple[Text, Text, Text]] = [("1", "1", None), ("1", "1.00", None), ("1", "1", ""), ("1", "2", None)]
    verdict, accepted, _ = judged(rows, COLUMNS, job())
    assert verdict.duplicates == 1
    assert accepted["_row_number"].to_list() == [2, 3, 4]


def test_a_composite_key_is_empty_where_one_of_its_parts_is() -> None:
    columns = contract(a="text", b="integer")
    rows = [("x", "1"), ("x", ""), ("  ", "2"), (None, None), ("x", "1"), ("x", "2")]
    verdict, accepted, quarantine = judged(rows, columns, job(key=["a", "b"]))
    assert accepted.select("a", "b").rows() == [("x", 1), ("x", 2)]
    assert verdict.duplicates == 1
    assert quarantine["_failed_rules"].to_list() == [
        ["primary_key(b)"],
        ["primary_key(a)"],
        ["primary_key(a)", "primary_key(b)"],
    ]


def test_accepted_rows_hold_the_contracts_types_then_the_audit_columns_then_the_surrogate_key() -> None:
    _, accepted, _ = judged([("1", "2.5", "n")], COLUMNS, job(key=["id"], surrogateKeyColumn="order_sk"))
    assert accepted.columns == ["id", "amount", "note", *AUDIT_COLUMNS, "order_sk"]
    assert accepted.schema["id"] == pl.Int64()
    assert accepted.schema["amount"] == pl.Decimal(8, 2)
    assert accepted.schema["note"] == pl.String()


def test_quarantine_keeps_the_texts_of_bronze_and_says_why() -> None:
    rows = [("x", "1.005", "n"), ("", "1", "n"), ("2", "2", None), ("3", "2", "n")]
    _, _, quarantine = judged(rows, COLUMNS, job(key=["id"], rules=RULES))
    assert quarantine.columns == ["id", "amount", "note", *AUDIT_COLUMNS, "_failed_rules", "_reason"]
    assert quarantine.schema["_failed_rules"] == pl.List(pl.String())
    assert quarantine.select("id", "amount", "note").rows() == [tuple(row) for row in rows]
    assert quarantine["_reason"].to_list() == [
        "id: 'x' is no integer; amount: '1.005' is no decimal(8,2)",
        "id: the primary key is empty",
        "the rule not_null(note) is broken; the rule amounts differ is broken",
        "the rule amounts differ is broken",
    ]


def test_a_reason_names_the_form_of_a_date_and_shows_the_beginning_of_a_cell() -> None:
    columns = [ContractColumn(name="day", source="day", data_type=DataType.parse("date", format="%d.%m.%Y"))]
    _, accepted, quarantine = judged([("31.01.2026",), ("2" * 500,)], columns, job())
    assert accepted["day"].to_list() == [date(2026, 1, 31)]
    assert quarantine["_reason"].to_list() == [f"day: '{'2' * 80}' is no date of the form %d.%m.%Y"]


def test_a_column_is_renamed_and_trimmed_before_its_cast() -> None:
    mappings = [{"sourceColumn": "name", "targetColumn": "customer", "transformations": [{"type": "trim"}]}]
    columns = [ContractColumn(name="customer", source="name", data_type=DataType.parse("text"))]
    _, accepted, _ = judged([("  Ada  ",), ("Ada",), ("  ",)], columns, job(mappings=mappings))
    assert accepted["customer"].to_list() == ["Ada", ""]


def test_no_rows_give_no_rows_and_all_columns() -> None:
    verdict, accepted, quarantine = judged([], COLUMNS, job(key=["id"], rules=RULES))
    assert (verdict.duplicates, verdict.quarantined, accepted.height, quarantine.height) == (0, 0, 0, 0)
    assert [outcome.failed for outcome in verdict.rules] == [0, 0, 0]


def test_an_undetermined_column_holds_nulls() -> None:
    columns = [
        *contract(id="integer"),
        ContractColumn.model_validate({"name": "later", "source": "later", "dataType": {"type": "undetermined"}}),
    ]
    _, accepted, _ = judged([("1", None), ("2", None)], columns, job(key=["id"]))
    assert accepted["later"].to_list() == [None, None]


def test_typed_bronze_keeps_its_types_and_goes_to_quarantine_as_it_is() -> None:
    bronze = bronze_rows(["id"], [["1"], ["2"], ["3"]]).with_columns(
        pl.Series("n", [2**63, 5, None], dtype=pl.UInt64), pl.Series("tags", [["a"], [], None])
    )
    silver = Silver(bronze, contract(id="integer", n="integer", tags="text"), job(key=["id"]))
    verdict = silver.judge(3)
    assert silver.accepted(verdict).collect().select("id", "n", "tags").rows() == [(2, 5, "[]"), (3, None, None)]
    quarantine = silver.quarantine(verdict).collect()
    assert quarantine.select("n", "tags", "_reason").rows() == [(2**63, ["a"], "n: '9223372036854775808' is no integer")]


def test_rows_that_are_too_many_for_their_positions_to_be_held_end_where_others_do(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [("1", "1", "n"), ("x", "1", "n"), ("2", "1", None), ("2", "no", "n"), ("3", "7", "m"), ("01", "2.5", "late")]
    configured = job(key=["id"], rules=RULES[:1], filters=[{"column": "amount", "operator": "less_than", "value": 7}])
    held, accepted, quarantined = judged(rows, COLUMNS, configured)
    monkeypatch.setattr("flowforge.medallion.positions.MAX_POSITIONS_HELD", 0)
    told, accepted_then, quarantined_then = judged(rows, COLUMNS, configured)
    assert (held.misfits, held.filtered, held.duplicates) == (told.misfits, told.filtered, told.duplicates) == (2, 1, 1)
    assert (held.unwanted is None, told.unwanted is None) == (False, True)
    assert (held.broken.rows is None, told.broken.rows is None) == (False, True)
    assert accepted.equals(accepted_then)
    assert accepted["note"].to_list() == ["late"]
    assert quarantined.equals(quarantined_then)
    assert quarantined["id"].to_list() == ["x", "2", "2"]
