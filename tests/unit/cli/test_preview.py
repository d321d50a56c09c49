"""The first rows of Gold and of the quarantine."""

import io

import polars as pl
from rich.console import Console

from flowforge.cli.preview import print_quarantine, print_rows
from flowforge.model.step import Step
from flowforge.model.workflow import read_workflow
from lab import JOB_ID, Lab


def printed(frame: pl.DataFrame, *, total: int = 7) -> str:
    console = Console(file=io.StringIO(), width=300, record=True)
    print_rows(console, "Gold of X", frame, total=total)
    return console.export_text()


def test_cells_are_escaped_cut_and_nulls_told_apart() -> None:
    text = printed(pl.DataFrame({"c": ["[red]a\nb", "y" * 40, None, "null"]}))
    assert "[red]a\\nb" in text
    assert "y" * 31 + "…" in text
    assert text.count("null") == 2
    assert text.startswith("Gold of X, 4 of 7 rows:\n")


def test_columns_of_the_product_and_beyond_the_eighth_are_left_out() -> None:
    frame = pl.DataFrame({f"c{number}": [number] for number in range(10)} | {"_run_id": ["r"], "_sk_id": ["s"]})
    text = printed(frame)
    assert "c7" in text
    assert "c8" not in text
    assert "_run_id" not in text
    assert "1 of 7 rows, 2 more columns" in text


def test_a_column_with_a_hostile_name_is_printed() -> None:
    assert "[/b]\\x1b" in printed(pl.DataFrame({"[/b]\x1b": [1]}))


def test_the_first_quarantined_rows_are_named_with_their_reason(lab: Lab) -> None:
    lab.silver = {"primaryKey": "id"}
    lab.job = {"transformationConfig": {"columnMappings": [{"sourceColumn": "day", "dataType": "date"}]}}
    rows = "1,2026-02-30\n2,2026-01-01\n,2026-01-01\n3,[red]x\n4,no\n"
    result = lab.ingest("id,day\n" + rows).silver()
    console = Console(file=io.StringIO(), width=300, record=True)
    workflow = read_workflow(lab.definition(), origin="test")
    print_quarantine(console, lab.lake, workflow, {(JOB_ID, Step.SILVER_TRANSFORM): result})
    assert console.export_text().splitlines() == [
        "Orders: orders.csv, row 1: day: '2026-02-30' is no date",
        "Orders: orders.csv, row 3: id: the primary key is empty",
        "Orders: orders.csv, row 4: day: '[red]x' is no date",
        "Orders: and 1 more in quarantine",
    ]
