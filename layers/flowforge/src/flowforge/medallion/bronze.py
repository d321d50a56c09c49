"""Bronze of delimited text: the file as it is, every column as text, with four audit columns behind."""

from collections.abc import Mapping
from datetime import datetime

import polars as pl

from flowforge.medallion.bronze_source import ROW_NUMBER, Audit, with_audit_columns
from flowforge.medallion.delimited import Structure
from flowforge.model.source import FileConfig


def bronze_frame(
    uri: str,
    structure: Structure,
    config: FileConfig,
    *,
    source_file: str,
    run_id: str,
    ingested_at: datetime,
    storage_options: Mapping[str, str | int] | None = None,
) -> pl.LazyFrame:
    """A streaming frame of a delimited file: the columns of ``structure`` as String, in file order, then

    ``_ingested_at`` (Datetime[us, UTC]), ``_source_file`` (String), ``_row_number`` (Int64, 1-based record of its file)
    and ``_run_id`` (String). Columns are taken by position, so a repeated name in the header swaps nothing.
    """
    frame = pl.scan_csv(
        uri,
        separator=config.delimiter,
        infer_schema=False,
        null_values=list(config.null_values) or None,
        # polars makes a row of nulls of each blank line at the end of a file; they are no records.
        n_rows=structure.records if structure.trailing_blank_lines else None,
        row_index_name=ROW_NUMBER,
        row_index_offset=1,
        glob=False,
        storage_options=dict(storage_options) if storage_options else None,
    )
    # By position: polars gives a repeated header its own names, cannot take ours for an object in S3, and reads some
    # names, like "*", as patterns. The row number comes first.
    read = range(1, len(frame.collect_schema()))
    columns = [pl.nth(old).alias(new) for old, new in zip(read, structure.columns, strict=True)]
    audit = Audit(run_id, ingested_at)
    return with_audit_columns(frame, columns, audit, source_file=source_file, row_number=pl.col(ROW_NUMBER))
