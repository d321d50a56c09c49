from typing import Any

import pytest

from flowforge.model.contract import Contract
from flowforge.model.contract_diff import differences


def contract(*columns: dict[str, Any]) -> Contract:
    return Contract.model_validate(
        {
            "version": 1,
            "runId": "run",
            "columns": [{"source": column["name"], "dataType": "text", **column} for column in columns],
        }
    )


A, B = {"name": "a"}, {"name": "b", "dataType": "integer"}


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ([A, B], [A, B], []),
        ([A], [A, B], ["+ b: integer"]),
        ([A, B], [A], ["- b: removed"]),
        ([B], [{**B, "dataType": "decimal(8,2)"}], ["~ b: integer became decimal(8,2)"]),
        ([B], [{**B, "dataType": "date"}], ["~ b: integer became date"]),
        (
            [{**A, "dataType": {"type": "date", "format": "%d/%m/%Y"}}],
            [{**A, "dataType": {"type": "date", "format": "%m/%d/%Y"}}],
            ["~ a: date ('%d/%m/%Y') became date ('%m/%d/%Y')"],
        ),
        ([B], [{**B, "declared": True}], ["~ b: its type is stated now"]),
        ([A], [{**A, "name": "c", "source": "a"}], ["~ c: was named a"]),
        ([A, B], [B, A], ["~ the columns stand in another order: b, a"]),
        (
            [{**A, "source": "x + 1", "origin": "derived"}],
            [{**A, "source": "x + 2", "origin": "derived"}],
            ["~ a: it comes from x + 2, and came from x + 1"],
        ),
    ],
)
def test_each_change_is_one_line(old: list[dict[str, Any]], new: list[dict[str, Any]], lines: list[str]) -> None:
    assert differences(contract(*old), contract(*new)) == lines
