"""Merge: per key the row of the latest run, by (``_ingested_at``, ``_run_id``).

So merges commute, and applying a run twice changes nothing. Only positions are held in memory, and per pass the rows of
one residue class of the key's hash.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from flowforge.medallion.casts import polars_type
from flowforge.medallion.duplicates import MAX_KEYS_PER_PASS, POSITION, key_hash, passes_for, without
from flowforge.model.contract import ContractColumn
from flowforge.model.errors import ConfigFault, DataFault
from flowforge.model.names import AUDIT_COLUMNS

_CONTENT = "_content"
_INCOMING = "_incoming"
_RUN_ORDER = ("_ingested_at", "_run_id")


@dataclass(frozen=True)
class MergeOutcome:
    """What the rows of a run do to a table: positions of the table's rows that go, of the run's rows that are stale."""

    replaced: pl.DataFrame
    stale: pl.DataFrame
    updated: int
    unchanged: int


def align_to_contract(
    table: pl.LazyFrame, columns: Sequence[ContractColumn], surrogate_key_column: str, *, name: str
) -> pl.LazyFrame:
    """The rows of a Silver table in the types of the newest contract.

    Raises ConfigFault where a column was renamed, added or removed since, or where its new type cannot hold what the table
    has (the table needs a rebuild). Reads the columns whose type changed.
    """
    have = [column for column in table.collect_schema().names() if column != POSITION]
    want = [column.name for column in columns]
    expected = [*want, *AUDIT_COLUMNS, surrogate_key_column]
    if sorted(have) != sorted(expected):
        odd = sorted(set(have) ^ set(expected))
        raise ConfigFault(
            f"{name} was written with other columns than the job has now ({', '.join(odd)}): it needs a rebuild from Bronze",
            column=odd[0],
            option="transformationConfig.columnMappings",
        )
    _require_lossless(table, columns, name=name)
    extra = [POSITION] if POSITION in table.collect_schema() else []
    return table.select(
        *extra,
        *(pl.col(column.name).cast(polars_type(column.data_type), strict=True) for column in columns),
        *AUDIT_COLUMNS,
        surrogate_key_column,
    )


def _require_lossless(table: pl.LazyFrame, columns: Sequence[ContractColumn], *, name: str) -> None:
    """Raise ConfigFault where a value would not come back from its new type: the engine's own casts cut off in silence."""
    schema = table.collect_schema()
    for column in columns:
        old, new = schema[column.name], polars_type(column.data_type)
        if new in (old, pl.String()):
            continue
        value = pl.col(column.name)
        lost = value.is_not_null() & value.cast(new, strict=False).cast(old, strict=False).ne_missing(value)
        try:
            count = table.select(lost.sum()).collect(engine="streaming").item()
        except pl.exceptions.InvalidOperationError:
            count = table.select(value.count()).collect(engine="streaming").item()
        if count:
            raise ConfigFault(
                f"{column.name} is {column.data_type} now, and {count} of its values in {name} do not fit: a type that loses "
                "values needs a rebuild of Silver from Bronze",
                column=column.name,
                option="transformationConfig.columnMappings",
            )


def weigh(
    table: pl.LazyFrame,
    run: pl.LazyFrame,
    key: Sequence[str],
    content: Sequence[str],
    *,
    rows: int,
    max_keys: int = MAX_KEYS_PER_PASS,
) -> MergeOutcome:
    """Compare a run's rows with the table's: both frames hold ``_position``, keys are unique in each.

    ``rows`` is the number of the run's rows; ``content`` are the columns whose equality makes a row unchanged. Raises
    DataFault where the table holds a key twice, which nothing of ours writes.
    """
    passes = passes_for(rows, max_keys)
    parts = [_weigh_pass(table, run, key, content, passes=passes, residue=residue) for residue in range(passes)]
    pairs = pl.concat(parts)
    if pairs[_INCOMING].n_unique() != pairs.height:
        raise DataFault("the Silver table holds the same primary key twice; rebuild it from Bronze")
    fresh = pairs.filter(~pl.col("_stale"))
    return MergeOutcome(
        replaced=fresh.select(POSITION),
        stale=pairs.filter("_stale").select(pl.col(_INCOMING).alias(POSITION)),
        updated=fresh.filter(~pl.col("_same")).height,
        unchanged=fresh.filter("_same").height,
    )


def _weigh_pass(
    table: pl.LazyFrame, run: pl.LazyFrame, key: Sequence[str], content: Sequence[str], *, passes: int, residue: int
) -> pl.DataFrame:
    """The pairs of rows with the same key in one residue class: positions, whether stale, whether the same content."""

    def narrow(frame: pl.LazyFrame) -> pl.LazyFrame:
        # Two 64-bit hashes stand for the content; they live within this process only.
        shown = frame.select(
            POSITION,
            *key,
            *_RUN_ORDER,
            key_hash(content, seed=1).alias(_CONTENT),
            key_hash(content, seed=2).alias(f"{_CONTENT}_2"),
        )
        return shown.filter(key_hash(key) % passes == residue) if passes > 1 else shown

    incoming = narrow(run).rename({POSITION: _INCOMING})
    at, run_id = (pl.col(name) for name in _RUN_ORDER)
    at_new, run_new = (pl.col(f"{name}_right") for name in _RUN_ORDER)
    return (
        narrow(table)
        .join(incoming, on=list(key), how="inner", build_side="force_right", maintain_order="left")
        .select(
            POSITION,
            _INCOMING,
            ((at > at_new) | ((at == at_new) & (run_id > run_new))).alias("_stale"),
            (
                (pl.col(_CONTENT) == pl.col(f"{_CONTENT}_right")) & (pl.col(f"{_CONTENT}_2") == pl.col(f"{_CONTENT}_2_right"))
            ).alias("_same"),
        )
        .collect(engine="streaming")
    )


def merged(table: pl.LazyFrame, run: pl.LazyFrame, outcome: MergeOutcome) -> pl.LazyFrame:
    """The new table: the rows that stay, in their order, then the run's rows that are not stale, in theirs."""
    return pl.concat([without(table, outcome.replaced).drop(POSITION), without(run, outcome.stale).drop(POSITION)])
