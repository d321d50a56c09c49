"""What transformations do to a column, by examples with answers from outside."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from flowforge.medallion.expression_types import TypeMismatchError
from flowforge.medallion.transformations import formatted, transformed
from flowforge.model.text_transformation import FormatParameters, Transformation
from silver_frames import contract, job, judged


def changed(texts: list[str | None], *types: str, **parameters: Any) -> list[str | None]:
    steps = [Transformation(type=kind, parameters=parameters if kind == types[-1] else {}) for kind in types]
    frame = pl.DataFrame({"x": texts}, schema={"x": pl.String})
    return frame.select(transformed(pl.col("x"), steps)).to_series().to_list()


@pytest.mark.parametrize(
    ("types", "parameters", "before", "after"),
    [
        (["trim"], {}, " a b ", "a b"),
        (["uppercase"], {}, "straße", "STRASSE"),
        (["lowercase"], {}, "ÄB", "äb"),
        (["trim", "lowercase"], {}, " AB ", "ab"),
        (["replace"], {"search": "$", "replacement": ""}, "$1$", "1"),
        (["replace"], {"search": r"(\d+)-(\d+)", "replacement": "$2/$1", "regex": True}, "12-34 5-6", "34/12 6/5"),
        (["substring"], {"start": 2, "length": 3}, "äbcdef", "bcd"),
        (["substring"], {"start": -2}, "abc", "bc"),
        (["email_normalize"], {}, " MailTo: Ada.L@Example.COM ", "mailto: ada.l@example.com"),
        (["email_normalize"], {}, " mailto:Ada@Example.com", "ada@example.com"),
        (["phone_format"], {}, "(030) 123-456", "030123456"),
        (["phone_format"], {}, "+49 (0)30 123.456", "+4930123456"),
        (["phone_format"], {"countryCode": "49"}, "030 / 123456", "+4930123456"),
        (["phone_format"], {"countryCode": "+49"}, "0044 20 7946 0958", "+442079460958"),
        (["phone_format"], {"countryCode": "1"}, "(555) 123-4567", "+15551234567"),
        (["phone_format"], {"countryCode": "1"}, "1-555-123-4567", "+15551234567"),
        (["phone_format"], {"countryCode": "49"}, "call Ada", "call Ada"),
        (["phone_format"], {"countryCode": "49"}, "12", "12"),
    ],
)
def test_a_text_is_changed_step_by_step(types: list[str], parameters: dict[str, Any], before: str, after: str) -> None:
    expected = after.removeprefix("mailto:").strip() if after.startswith("mailto:") else after
    assert changed([before, None], *types, **parameters) == [expected, None]


@pytest.mark.parametrize(
    ("value", "parameters", "expected"),
    [
        (date(2026, 1, 31), {"pattern": "%d.%m.%Y"}, "31.01.2026"),
        (datetime(2026, 1, 31, 9, 5, tzinfo=UTC), {"pattern": "%H:%M"}, "09:05"),
        (7, {"width": 4}, "0007"),
        (-7, {"width": 4}, "-007"),
        (1234567, {"thousandsSeparator": ","}, "1,234,567"),
        (-123, {"thousandsSeparator": "."}, "-123"),
        (Decimal("1234.565"), {"decimals": 2, "thousandsSeparator": "'"}, "1'234.57"),
        (2.5, {"decimals": 0}, "3"),
        (12, {"decimals": 2}, "12.00"),
    ],
)
def test_a_typed_value_is_written_as_text(value: Any, parameters: dict[str, Any], expected: str) -> None:
    frame = pl.DataFrame({"x": [value, None]})
    cells = frame.select(formatted(pl.col("x"), frame.schema["x"], FormatParameters.model_validate(parameters)))
    assert cells.to_series().to_list() == [expected, None]


def test_a_pattern_that_is_none_is_told_before_a_row_is_read() -> None:
    with pytest.raises(TypeMismatchError, match="'%Q' is no pattern of strftime"):
        formatted(pl.col("x"), pl.Date(), FormatParameters(pattern="%Q"))


def test_a_change_comes_before_the_cast_and_format_after_it() -> None:
    mappings: list[dict[str, Any]] = [
        {"sourceColumn": "price", "transformations": [{"type": "replace", "parameters": {"search": "EUR"}}]},
        {
            "sourceColumn": "day",
            "dataType": "date",
            "format": "%d/%m/%Y",
            "transformations": [{"type": "trim"}, {"type": "format", "parameters": {"pattern": "%Y week %V"}}],
        },
    ]
    rows = [("5.20 EUR", " 01/02/2026 "), ("cheap", "31/12/2025"), ("1", "2026")]
    _, accepted, quarantine = judged(rows, contract(price="decimal(8,2)", day="text"), job(mappings=mappings))
    assert accepted.select("price", "day").rows() == [(Decimal("5.20"), "2026 week 05")]
    assert quarantine.select("price", "day", "_reason").rows() == [
        ("cheap", "31/12/2025", "price: 'cheap' is no decimal(8,2)"),
        ("1", "2026", "day: '2026' is no date of the form %d/%m/%Y"),
    ]
