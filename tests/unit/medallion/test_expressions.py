"""Expressions of users, held against DuckDB."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowforge.medallion.expression_functions import FUNCTIONS
from flowforge.medallion.expression_types import TypeMismatchError
from flowforge.medallion.expressions import compiled, compiled_condition
from flowforge.model.expression_functions import ARITIES
from flowforge.model.expression_parser import parse_expression

FRAME = pl.DataFrame(
    {
        "a": [1, 2, None, -7, 400],
        "b": [2, 5, 3, None, 3],
        "d": [Decimal("1.50"), Decimal(2), None, Decimal("-0.05"), Decimal("99999999.99")],
        "f": [1.5, 0.0, None, 2.4, -2.6],
        "s": ["x", "Ab", None, "%", " q "],
        "t": [date(2026, 1, 31), None, date(2025, 2, 2), date(2024, 3, 3), date(2024, 12, 31)],
        "u": [
            datetime(2026, 1, 31, 23, 59, 59),  # noqa: DTZ001
            None,
            datetime(2025, 2, 2),  # noqa: DTZ001
            datetime(2024, 3, 3, 1),  # noqa: DTZ001
            datetime(2024, 12, 31, 1),  # noqa: DTZ001
        ],
    },
    schema_overrides={"d": pl.Decimal(10, 2)},
)


def ours(text: str, frame: pl.DataFrame = FRAME) -> list[Any]:
    part = compiled(parse_expression(text), frame.schema)
    answer = frame.lazy().with_columns(part.expr.alias("answer")).select("answer").collect(engine="streaming").to_series()
    assert answer.dtype == part.dtype
    return answer.to_list()


def theirs(text: str) -> list[Any]:
    frame = FRAME.to_arrow()  # noqa: F841  # DuckDB finds it by its name
    return [row[0] for row in duckdb.execute(f"SELECT {text} FROM frame").fetchall()]


@pytest.mark.parametrize(
    "text",
    [
        "a + b * 2", "a - b", "a % b", "-a", "a / b", "d * 3", "d + 1.5", "d - a", "d % 2", "d * 1.5", "f * 2 - 1", "-f",
        "a = 1 or b = 3", "not a = 1", "a in (1, 2)", "a in (1, null)", "a not in (1, null)", "a between 1 and 2", "a is null",
        "a is not null and a > 0", "a <> b", "f > d", "(a > 1) is true", "(a > 1) is not true", "a > 1.5",
        "s || 'x'", "s like '%b'", "s like '_'", "s ilike 'a%'", "s not like '%%'", "s = 'x'", "upper(s)",
        "lower(s)", "trim(s)",
        "ltrim(s)", "rtrim(s)", "length(s)", "substr(s, 1, 1)", "substring(s, -1)",
        "substring(s, 2)",
        "left(s, 1)", "right(s, 1)", "ceil(d)",
        "lpad(s, 3, '*')", "rpad(s, 1, '*')", "replace(s, 'b', 'zz')", "contains(s, 'b')", "starts_with(s, 'A')",
        "ends_with(s, 'b')", "concat(s, 'y', a)", "regexp_matches(s, '^[a-z]$')", "regexp_replace(s, '[A-Z]', '-', 'g')",
        "nullif(regexp_extract(s, '[A-Z](.)', 1), '')", "coalesce(s, 'none')", "coalesce(a, b, 0)", "ifnull(a, 0)",
        "nullif(a, 1)",
        "case when a > 1 then 'p' else s end", "case a when 1 then 1.5 else 2 end", "case when a > 1 then a end",
        "greatest(a, b)", "least(t, date '2025-06-01')", "abs(a)", "abs(d)", "round(d, 1)", "round(f)", "floor(f)", "ceil(f)",
        "cast(a as varchar)", "cast(f as text)", "try_cast(s as int)", "cast(d as decimal(10,1))", "cast(d as integer)",
        "cast(u as date)", "cast(t as timestamp)", "cast(a as double)", "cast('2026-01-01' as date)", "cast(a > 1 as text)",
        "t > '2025-01-01'", "t > date '2025-01-01'", "u = '2025-02-02'", "t < u", "t = u", "t + 1", "t - 30",
        "t - date '2026-01-01'", "extract(year from t)", "month(t)", "day(u)", "hour(u)", "minute(u)", "second(u)",
        "date_trunc('hour', u)", "date_trunc('quarter', u)", "date_trunc('week', u)", "date_diff('day', t, u)",
        "date_diff('hour', u, timestamp '2026-01-01 00:30:00')", "date_diff('day', u, date '2026-01-01')",
    ],
)  # fmt: skip
def test_an_expression_answers_what_duckdb_answers(text: str) -> None:
    assert ours(text.replace(", 'g')", ")")) == theirs(text)


ATOMS = st.sampled_from(["a", "b", "d", "f", "1", "0", "2.5", "null", "-3"])
NUMBERS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*"]), inner).map(lambda part: f"({' '.join(part)})"),
        st.tuples(inner, inner).map(lambda part: f"coalesce({part[0]}, {part[1]})"),
        st.tuples(inner, inner, inner).map(lambda part: f"case when {part[0]} > {part[1]} then {part[2]} end"),
    ),
    max_leaves=4,
)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(NUMBERS, st.sampled_from(["=", "<>", "<", ">="]), NUMBERS, st.sampled_from(["and", "or"]))
def test_conditions_of_any_shape_are_true_false_or_null_as_in_duckdb(left: str, operator: str, right: str, word: str) -> None:
    text = f"not ({left} {operator} {right}) {word} a > 0"
    assert ours(text) == theirs(text)


def test_what_cannot_be_computed_is_null() -> None:
    frame = pl.DataFrame({"a": [2**62, 1], "z": [0, 0], "d": [Decimal("9" * 30), Decimal(2)], "f": [1e300, 2.0]})
    assert ours("a * 4", frame) == [None, 4]
    assert ours("a + a", frame) == [None, 2]
    assert ours("a / z", frame) == ours("a % z", frame) == ours("f / z", frame) == [None, None]
    assert ours("d * d", frame) == [None, Decimal(4)]
    assert ours("f * f", frame) == [None, 4.0]
    assert ours("cast('x' as integer)", frame.head(1)) == [None]


def test_a_product_of_decimals_keeps_every_digit() -> None:
    frame = pl.DataFrame({"d": [Decimal("12345678901234567.89")]})
    assert ours("d * 0.001", frame) == [Decimal("12345678901234.56789")]


def test_a_time_without_a_zone_is_in_utc_where_it_meets_one() -> None:
    frame = pl.DataFrame({"z": [datetime(2026, 1, 31, 12, tzinfo=UTC)]})
    assert ours("z = '2026-01-31 12:00:00'", frame) == ours("z > date '2026-01-31'", frame) == [True]
    assert ours("z = '2026-01-31 13:00:00+01:00'", frame) == [True]


def test_each_function_that_is_parsed_is_there() -> None:
    assert FUNCTIONS.keys() == ARITIES.keys()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x + 1", "there is no column 'x'; there are a, b, d"),
        ("s + 1", r"\+ takes a number, and this is a text"),
        ("s = a", "a comparison holds a number and a text; CAST one of them"),
        ("a and b", "AND takes a boolean, and this is a number"),
        ("case when a > 1 then 'p' else 1 end", "CASE holds a number and a text"),
        ("upper(a)", "upper takes a text, and this is a number"),
        ("year(s)", "year takes a date or a timestamp, and this is a text"),
        ("t > 'tomorrow'", "'tomorrow' is compared with a date and is not of the form"),
        ("regexp_matches(s, '(')", "is no regular expression"),
        ("regexp_matches(s, s)", "takes a pattern that is written out"),
        ("date_trunc('hour', t)", "date_trunc by hour takes a timestamp, and this is a date"),
        ("date_trunc('eon', t)", "date_trunc does not know the unit 'eon'"),
        ("t + 1.5", "takes a date and an integer number of days"),
        ("left(s, -1)", "left takes a number of characters from 0 on"),
    ],
)
def test_types_that_do_not_go_together_are_told_before_a_row_is_read(text: str, problem: str) -> None:
    with pytest.raises(TypeMismatchError, match=problem):
        compiled(parse_expression(text), FRAME.schema)


def test_a_condition_is_a_boolean() -> None:
    with pytest.raises(TypeMismatchError, match="a condition takes a boolean"):
        compiled_condition(parse_expression("a + 1"), FRAME.schema)
