"""Which rows of a quarantine a person chose, and the values that they get."""

from pathlib import Path

import pytest

from flowforge.cli.fixes import replayed_rows
from flowforge.cli.usage import UsageError


def chosen(
    total: int = 9, *, rows: str | None = None, fix: Path | None = None, values: tuple[str, ...] = ()
) -> dict[int, dict[str, str | None]]:
    return {row.number: row.values for row in replayed_rows(total, rows=rows, fix=fix, values=values)}


def test_without_a_choice_every_row_comes_again_as_it_is() -> None:
    assert chosen(3) == {1: {}, 2: {}, 3: {}}


def test_rows_are_chosen_by_numbers_and_spans() -> None:
    assert list(chosen(rows="7, 1,3-5,4")) == [1, 3, 4, 5, 7]


def test_a_value_is_set_in_every_chosen_row_and_nothing_is_null() -> None:
    assert chosen(rows="2,3", values=("amount=1=2", "city=")) == {number: {"amount": "1=2", "city": None} for number in (2, 3)}


def test_a_csv_file_chooses_its_rows_and_goes_before_what_is_set(tmp_path: Path) -> None:
    path = tmp_path / "fixes.csv"
    path.write_text('_number,amount,city\n4,007,\n2,"1,5",""\n')
    assert chosen(fix=path, values=("amount=0", "day=x")) == {
        2: {"amount": "1,5", "day": "x", "city": ""},
        4: {"amount": "007", "day": "x", "city": None},
    }


def test_a_json_file_holds_objects(tmp_path: Path) -> None:
    path = tmp_path / "fixes.json"
    path.write_text('[{"_number": 1, "amount": 12.5, "ok": true, "city": null}]')
    assert chosen(fix=path) == {1: {"amount": "12.5", "ok": "true", "city": None}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("_number,a\n1,x\n1,y\n", "has a _number twice"),
        ("a\nx\n", "each row needs a _number"),
        ("_number,a\none,x\n", "cannot be read"),
        ("_number,a\n10,x\n", "--fix: the quarantine has 9 rows, and no row 10"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "fixes.csv"
    path.write_text(content)
    with pytest.raises(UsageError, match=message):
        chosen(fix=path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rows": "1-x"}, "--rows: '1-x' is no number"),
        ({"rows": "0"}, "no row 0"),
        ({"values": ("amount",)}, "--set: 'amount' is not of the form COLUMN=VALUE"),
        ({"fix": Path("nowhere.csv")}, "there is no file nowhere.csv"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        chosen(**options)  # type: ignore[arg-type]
