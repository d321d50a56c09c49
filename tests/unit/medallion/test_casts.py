"""Casts against Python's own int, Decimal, float and datetime."""

import math
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowforge.medallion.casts import cast, misfit, polars_type
from flowforge.model.contract import DataType

NUMBERLIKE = st.one_of(
    st.text(alphabet="0123456789", min_size=1, max_size=22),
    st.from_regex(r"[+-]?[0-9]{0,19}\.?[0-9]{0,6}([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    st.text(alphabet="0123456789.,+-eE _x", max_size=12),
    st.sampled_from(["nan", "inf", "-inf", "NaN", "٣", "²", "1_000", "0x10", "1e400", "", " ", "\t7\n", "--1"]),
)


def typed(texts: Sequence[str | None], data_type: DataType, *, declared: bool = True) -> list[Any]:
    frame = pl.DataFrame({"x": list(texts)}, schema={"x": pl.String})
    cells = frame.select(cast(pl.col("x"), data_type, declared=declared)).to_series()
    assert cells.dtype == polars_type(data_type)
    return cells.to_list()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(NUMBERLIKE, min_size=20, max_size=60))
def test_a_declared_integer_is_what_int_says_up_to_18_digits(texts: list[str]) -> None:
    expected = [int(text) if re.fullmatch(r"\s*[+-]?[0-9]{1,18}\s*", text, re.ASCII) else None for text in texts]
    assert typed(texts, DataType.parse("integer")) == expected


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(NUMBERLIKE, min_size=20, max_size=60))
def test_an_inferred_integer_comes_back_as_the_text_it_was(texts: list[str]) -> None:
    for text, value in zip(texts, typed(texts, DataType.parse("integer"), declared=False), strict=True):
        if value is not None:
            assert text.strip() in (str(value), f"-{value}")


@pytest.mark.parametrize("text", ["007", "-01", "00", "+49170", "1234567890123456789", "1.0", "1e3"])
def test_a_code_is_no_inferred_integer(text: str) -> None:
    assert typed([text], DataType.parse("integer"), declared=False) == [None]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(NUMBERLIKE, min_size=20, max_size=60))
def test_a_float_is_what_float_says(texts: list[str]) -> None:
    def reference(text: str) -> float | None:
        try:
            value = float(text)
        except ValueError:
            return None
        plain = re.fullmatch(r"\s*[+-]?[0-9.]+([eE][+-]?[0-9]{1,3})?\s*", text, re.ASCII)
        return value if plain and math.isfinite(value) else None

    assert typed(texts, DataType.parse("float")) == [reference(text) for text in texts]


@pytest.mark.parametrize("text", ["007.5", "+1.5", "1234567890123456.5", "nan", "inf"])
def test_a_number_that_a_float_would_change_is_no_inferred_float(text: str) -> None:
    assert typed([text], DataType.parse("float"), declared=False) == [None]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(NUMBERLIKE, min_size=10, max_size=40), st.integers(1, 20), st.integers(0, 20))
def test_a_decimal_is_exact_or_does_not_fit(texts: list[str], precision: int, scale: int) -> None:
    scale = min(scale, precision)

    def reference(text: str) -> Decimal | None:
        if not re.fullmatch(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)", text.strip(), re.ASCII):
            return None
        value = Decimal(text.strip())
        shifted = value.scaleb(scale)
        return value if shifted == shifted.to_integral_value() and abs(shifted) < 10**precision else None

    assert typed(texts, DataType.parse(f"decimal({precision},{scale})")) == [reference(text) for text in texts]


@pytest.mark.parametrize(
    ("text", "data_type", "value"),
    [
        ("1.230", "decimal(5,2)", Decimal("1.23")),
        ("1.235", "decimal(5,2)", None),
        ("1000.00", "decimal(5,2)", None),
        (".5", "decimal(5,0)", None),
        (".0", "decimal(5,0)", Decimal(0)),
        ("1e2", "decimal(5,0)", None),
        ("9" * 38, "decimal(38,0)", Decimal("9" * 38)),
        ("9" * 39, "decimal(38,0)", None),
        ("0" * 5 + "1.5", "decimal(5,2)", Decimal("1.5")),
    ],
)
def test_surplus_digits_of_a_decimal_must_be_zeros(text: str, data_type: str, value: Decimal | None) -> None:
    assert typed([text], DataType.parse(data_type)) == [value]


@pytest.mark.parametrize("separator", [",", "'", " ", "\u00a0", "|", "*"])
def test_thousands_stand_in_groups_of_three(separator: str) -> None:
    data_type = DataType.parse("decimal(12,2)", thousands_separator=separator)
    good = {"1,234.50": "1234.50", "-1,234,567": "-1234567", "12.5": "12.5", "1234567.5": "1234567.5", "999": "999"}
    bad = ["12,34", "1,2345", "1,,234", "1234,567", "1.234,5", "1,234.5,0"]
    if not separator.isspace():
        bad += [",123", "1,234,"]
    texts = [text.replace(",", separator) for text in [*good, *bad]]
    assert typed(texts, data_type) == [*map(Decimal, good.values()), *[None] * len(bad)]


def test_a_thousands_separator_that_was_not_declared_does_not_fit() -> None:
    assert typed(["1,234"], DataType.parse("integer")) == [None]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(st.dates(date(1000, 1, 1)), min_size=5, max_size=30),
    st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%Y%m%d", "%d%m%Y", "%d-%b-%Y", "%Y/%j"]),
)
def test_a_date_is_what_strptime_says(days: list[date], form: str) -> None:
    texts = [day.strftime(form) for day in days]
    assert typed(texts, DataType.parse("date", format=form)) == days


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.from_regex(r"(19|20)[0-9]{2}-[0-3][0-9]-[0-4][0-9]", fullmatch=True), min_size=20, max_size=60))
def test_a_date_that_the_calendar_does_not_have_does_not_fit(texts: list[str]) -> None:
    def reference(text: str) -> date | None:
        try:
            return date.fromisoformat(text)
        except ValueError:
            return None

    assert typed(texts, DataType.parse("date")) == [reference(text) for text in texts]


@pytest.mark.parametrize(
    "text", ["2026-02-30", "2026-13-01", "26-01-05", "2026-01-05x", "2026-01-05 00:00", "05.01.2026", "2026-01"]
)
def test_what_is_no_iso_date_does_not_fit(text: str) -> None:
    assert typed([text], DataType.parse("date")) == [None]


def test_a_year_of_two_digits_fits_only_where_it_was_declared() -> None:
    assert typed(["05.01.26"], DataType.parse("date", format="%d.%m.%Y")) == [None]
    assert typed(["05.01.26"], DataType.parse("date", format="%d.%m.%y")) == [date(2026, 1, 5)]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)), min_size=5, max_size=30))  # noqa: DTZ001
def test_a_timestamp_keeps_its_microseconds(moments: list[datetime]) -> None:
    assert typed([str(moment) for moment in moments], DataType.parse("timestamp")) == moments


@pytest.mark.parametrize(
    ("text", "hour"), [("2026-01-05T10:00:00Z", 10), ("2026-01-05T10:00:00+02:00", 8), ("2026-01-05T10:00:00-0230", 12)]
)
def test_a_timestamp_with_an_offset_becomes_utc(text: str, hour: int) -> None:
    (value,) = typed([text], DataType.parse("timestamp", format="%Y-%m-%dT%H:%M:%S%.f%#z"))
    assert value.astimezone(UTC).replace(minute=0) == datetime(2026, 1, 5, hour, tzinfo=UTC)


def test_an_inferred_boolean_is_true_or_false_in_any_case_and_a_declared_one_yes_or_no_too() -> None:
    texts = ["true", "FALSE", " True ", "yes", "N", "1", "0", "on", ""]
    assert typed(texts, DataType.parse("boolean"), declared=False) == [True, False, True, *[None] * 6]
    assert typed(texts, DataType.parse("boolean")) == [True, False, True, True, False, True, False, None, None]


def test_a_text_stays_as_it_is() -> None:
    texts: list[str | None] = [" a ", "", None, "007"]
    assert typed(texts, DataType.parse("text")) == texts


def test_a_blank_cell_is_null_and_no_misfit() -> None:
    frame = pl.DataFrame({"x": ["", "  ", None, "x", "1", "\u00a0"]})
    text = pl.col("x")
    answer = frame.select(misfit(text, cast(text, DataType.parse("integer"), declared=True))).to_series()
    assert answer.to_list() == [False, False, False, True, False, False]
