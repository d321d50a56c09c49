"""What the engine does by the settings of a block, in a process that has loaded it before."""

import polars as pl

from flowforge.medallion.engine_settings import ROWS_AT_ONCE, few_rows_at_once


def test_no_more_rows_go_through_a_query_together_than_stated() -> None:
    seen: list[int] = []

    def look(values: pl.Series) -> pl.Series:
        seen.append(len(values))
        return values

    frame = pl.DataFrame({"n": range(4 * ROWS_AT_ONCE)}).lazy()
    looked_at = pl.col("n").map_batches(look, return_dtype=pl.Int64, is_elementwise=True)
    with few_rows_at_once():
        total = frame.select(looked_at.sum()).collect(engine="streaming").item()
    assert total == sum(range(4 * ROWS_AT_ONCE))
    assert max(seen) <= ROWS_AT_ONCE
