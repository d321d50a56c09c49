import pytest

from flowforge.medallion.widening import wider
from flowforge.model.contract import DataType

ISO = {"timestamp": "%Y-%m-%dT%H:%M:%S%.f", "date": "%Y-%m-%d"}


def of(text: str) -> DataType:
    kind, _, form = text.partition(" ")
    return DataType.parse(kind, format=form or None)


@pytest.mark.parametrize(
    ("present", "run", "expected"),
    [
        ("integer", "float", "float"),
        ("integer", "decimal(10,4)", "decimal(23,4)"),
        ("decimal(10,2)", "decimal(8,4)", "decimal(12,4)"),
        ("decimal(10,2)", "integer", "decimal(21,2)"),
        ("decimal(38,2)", "decimal(38,10)", "text"),
        ("integer", "text", "text"),
        ("boolean", "integer", "text"),
        ("float", "decimal(38,20)", "text"),
        ("date %Y-%m-%d", "timestamp %Y-%m-%d %H:%M", "timestamp %Y-%m-%d %H:%M"),
        ("date %d/%m/%Y", "timestamp %d/%m/%Y %H:%M", "timestamp %d/%m/%Y %H:%M"),
        ("date %d/%m/%Y", "timestamp %Y-%m-%d %H:%M", "text"),
        ("date %Y-%m-%d", "timestamptz", "text"),
        ("timestamp %Y-%m-%d %H:%M", "timestamp %Y-%m-%dT%H:%M:%S%.f", "timestamp"),
        ("timestamp %d/%m/%Y %H:%M", "timestamp %Y-%m-%dT%H:%M", "text"),
    ],
)
def test_the_wider_type_holds_the_values_of_both(present: str, run: str, expected: str) -> None:
    assert wider(of(present), of(run)) == of(expected)
