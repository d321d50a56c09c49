"""What the engine does once the settings are applied, in a process that has loaded it before."""

import polars as pl

from flowforge.medallion.engine_settings import ROWS_AT_ONCE, apply_engine_settings


def test_no_more_rows_go_through_a_query_together_than_stated() -> None:
    apply_engine_settings()
    seen: list[int] = []

    def look(values: pl.Series) -> pl.Series:
        seen.append(len(values))
        return values

    frame = pl.DataFrame({"n": range(4 * ROWS_AT_ONCE)}).lazy()
    looked_at = pl.col("n").map_batches(look, return_dtype=pl.Int64, is_elementwise=True)
    assert frame.select(looked_at.sum()).collect(engine="streaming").item() == sum(range(4 * ROWS_AT_ONCE))
    assert max(seen) <= ROWS_AT_ONCE
