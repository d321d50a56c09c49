"""What a user's expression may be, and how one that is not taken is refused."""

from datetime import date
from decimal import Decimal

import pytest

from flowforge.model.expression import Binary, Call, Case, Column, In, Like, Literal, Unary, columns_of
from flowforge.model.expression_parser import parse_expression
from flowforge.model.expression_tokens import MAX_CHARACTERS, MAX_TOKENS, ExpressionError

A, B, ONE, TWO = Column("a"), Column("b"), Literal(1), Literal(2)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a + 1 * 2", Binary("+", A, Binary("*", ONE, TWO))),
        ("(a + 1) * 2", Binary("*", Binary("+", A, ONE), TWO)),
        ("a - 1 - 2", Binary("-", Binary("-", A, ONE), TWO)),
        ("a = 1 or b = 2 and not a", Binary("or", Binary("=", A, ONE), Binary("and", Binary("=", B, TWO), Unary("not", A)))),
        ("a between 1 and 2 and b", Binary("and", Binary("and", Binary(">=", A, ONE), Binary("<=", A, TWO)), B)),
        ("a NOT IN (1, 2)", Unary("not", In(A, (ONE, TWO)))),
        ("a != -1.50", Binary("<>", A, Literal(Decimal("-1.50")))),
        ("a like 'x_%'", Like(A, "x_%", ignore_case=False)),
        ("case a when 1 then b end", Case(((Binary("=", A, ONE), B),), Literal(None))),
        ("Substr(a, 1)", Call("substring", (A, ONE))),
        ("extract(Year from a)", Call("year", (A,))),
        ("date '2026-01-31'", Literal(date(2026, 1, 31))),
        ("'it''s'", Literal("it's")),
        ('"order date"', Column("order date")),
        ("größe", Column("größe")),
    ],
)
def test_operators_bind_as_in_the_sql_standard(text: str, tree: object) -> None:
    assert parse_expression(text) == tree


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the end at character 1, where a column, a value or a function is wanted"),
        ("a +", "the end at character 4"),
        ("a b", "'b' at character 3, where the end is wanted"),
        ("a; drop table b", "';' at character 2: one expression"),
        ("'a", "the quote ' at character 1 is not closed"),
        ("(select 1)", "SELECT at character 2: an expression reads its own row"),
        ("exists (select 1)", "EXISTS at character 1"),
        ("sum(a)", "sum is an aggregate, which is over many rows"),
        ("row_number()", "row_number is a window function"),
        ("abs(a) over ()", "OVER at character 8: a window is over many rows"),
        ("read_csv('x')", "the function read_csv is not known; known are abs, ceil"),
        ("random()", "the function random is not known"),
        ("left(a)", "left takes 2 arguments and has 1"),
        ("orders.a", "'.' at character 7: columns have no table in front"),
        ("a like b", "where a pattern in single quotes is wanted"),
        ("cast(a as uuid)", "'uuid' is no data type"),
        ("date '31.01.2026'", "is not of the form YYYY-MM-DD"),
        ("1234567890123456789", "has more than 18 digits"),
        ("a ? 1", "'[?]' at character 3 has no meaning"),
        ("*", r"'\*' at character 1"),
        ("(" * 100 + "a", "nested more than 60 deep"),
        ("a" * (MAX_CHARACTERS + 1), "4000 are the most"),
        ("+".join("a" * MAX_TOKENS), "400 are the most"),
    ],
)
def test_what_is_no_expression_over_a_row_is_refused_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(ExpressionError, match=problem):
        parse_expression(text)


def test_the_columns_of_an_expression_are_named_once_in_their_order() -> None:
    assert columns_of(parse_expression("case when b > a then coalesce(c, b) else a || 'd' end")) == ("b", "a", "c")
