"""Bronze of delimited text: the file as it is, every column as text, with four audit columns behind."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from flowforge.medallion.bronze_source import ROW_NUMBER, Audit, with_audit_columns
from flowforge.medallion.delimited_text import DelimitedText
from flowforge.model.text_options import TextOptions

MALFORMED_COLUMNS = (ROW_NUMBER, "_line", "_reason", "_raw_text")


def bronze_frame(
    place: str | Path,
    text: DelimitedText,
    options: TextOptions,
    audit: Audit,
    *,
    storage_options: Mapping[str, str | int] | None = None,
) -> pl.LazyFrame:
    """A streaming frame of the delimited file at ``place``: the columns of ``text`` as String, in file order, then the audit

    columns. They are taken by position, so a repeated name in the header swaps nothing.
    """
    view = text.view
    frame = pl.scan_csv(
        place,
        separator=view.delimiter,
        quote_char=view.quote or None,
        has_header=view.has_header,
        schema=None if view.has_header else dict.fromkeys(text.columns, pl.String),
        skip_lines=view.skip_lines,
        infer_schema=False,
        null_values=list(options.null_values) or None,
        # polars makes a row of nulls of each blank line at the end of a file; they are no records.
        n_rows=text.records if view.trailing_blank_lines else None,
        row_index_name=ROW_NUMBER,
        row_index_offset=1,
        glob=False,
        storage_options=dict(storage_options) if storage_options else None,
    )
    # By position: polars gives a repeated header its own names, cannot take ours for an object in S3, and reads some
    # names, like "*", as patterns. The row number comes first.
    read = range(1, len(frame.collect_schema()))
    columns = [pl.nth(old).alias(new) for old, new in zip(read, text.columns, strict=True)]
    return with_audit_columns(frame, columns, audit, source_file=text.name, row_number=_record_number(text))


def _record_number(text: DelimitedText) -> pl.Expr:
    """The number of a record in its file, from its place among those that are not malformed: the row number."""
    place = pl.col(ROW_NUMBER)
    if not text.malformed_numbers:
        return place
    # The n-th malformed record moves all behind it by one; before it there were n - 1 of them.
    moved_from = pl.Series([number - before for before, number in enumerate(text.malformed_numbers)], dtype=pl.Int64)

    def numbered(places: pl.Series) -> pl.Series:
        return places.cast(pl.Int64) + moved_from.search_sorted(places.cast(pl.Int64), side="right").cast(pl.Int64)

    return place.map_batches(numbered, return_dtype=pl.Int64, is_elementwise=True)


def malformed_frame(text: DelimitedText, audit: Audit) -> pl.LazyFrame:
    """A streaming frame of the records of a file that could not be read: ``_line`` (Int64, 1-based), ``_reason`` and

    ``_raw_text`` (String, the record without its line end), then the audit columns of Bronze.
    """
    if text.malformed_path is None:
        raise ValueError(f"{text.name} has no malformed records")
    frame = pl.scan_csv(
        text.malformed_path,
        has_header=False,
        schema=dict.fromkeys(MALFORMED_COLUMNS, pl.String),
        empty_string_is_null=False,
        glob=False,
    )
    columns = [pl.col("_line").cast(pl.Int64), pl.col("_reason"), pl.col("_raw_text")]
    return with_audit_columns(frame, columns, audit, source_file=text.name, row_number=pl.col(ROW_NUMBER))
