"""Merge: per key one row, by the conflict policy.

The policy is a total order of rows, so merges commute, and applying a run twice changes nothing. Only positions are held
in memory, and per pass the rows of one residue class of the key's hash.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from flowforge.medallion.casts import polars_type
from flowforge.medallion.conflict_policy import ConflictPolicy
from flowforge.medallion.duplicates import MAX_KEYS_PER_PASS, POSITION, key_hash, passes_for, without
from flowforge.medallion.surrogate_key_column import with_numbers
from flowforge.model.contract import ContractColumn, Origin
from flowforge.model.errors import ConfigFault, DataFault
from flowforge.model.names import AUDIT_COLUMNS

CONTENT_HASHES = ("_content", "_content_2")
_INCOMING = "_incoming"
_OTHER = "_right"


@dataclass(frozen=True)
class MergeOutcome:
    """What the rows of a run do to a table: positions of the table's rows that go, of the run's rows that are not taken.

    ``stale`` rows lost to the table's; ``kept`` are positions of the run's rows that are the same as the table's, which
    stays as it is. ``carried`` has for each other row of a known key ``_position`` and the carried columns of the table's row.
    """

    replaced: pl.DataFrame
    stale: pl.DataFrame
    kept: pl.DataFrame
    carried: pl.DataFrame
    updated: int
    unchanged: int

    @property
    def not_taken(self) -> pl.DataFrame:
        """The positions of the run's rows that the new table does not get."""
        return pl.concat([self.stale, self.kept])


def align_to_contract(table: pl.LazyFrame, columns: Sequence[ContractColumn], added: Sequence[str], *, name: str) -> pl.LazyFrame:
    """The rows of a Silver table in the types of the newest contract; null in a column that sources did not have then.

    ``added`` are the product's columns of this table. Raises ConfigFault where a column was renamed or removed since, where one
    is looked up or derived that was not, or where a new type cannot hold what the table has (the table needs a rebuild). Reads
    the columns whose type changed.
    """
    have = [column for column in table.collect_schema().names() if column != POSITION]
    new = {column.name for column in columns if column.origin is Origin.SOURCE} - set(have)
    want = [column.name for column in columns if column.name not in new]
    expected = [*want, *AUDIT_COLUMNS, *added]
    if sorted(have) != sorted(expected):
        odd = sorted(set(have) ^ set(expected))
        raise ConfigFault(
            f"{name} was written with other columns than the job has now ({', '.join(odd)}): it needs a rebuild from Bronze",
            column=odd[0],
            option="transformationConfig.columnMappings",
        )
    _require_lossless(table, [column for column in columns if column.name not in new], name=name)
    table = table.with_columns(pl.lit(None, dtype=pl.Null).alias(column) for column in sorted(new))
    extra = [POSITION] if POSITION in table.collect_schema() else []
    return table.select(
        *extra,
        *(pl.col(column.name).cast(polars_type(column.data_type), strict=True) for column in columns),
        *AUDIT_COLUMNS,
        *added,
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
    policy: ConflictPolicy | None = None,
    keep_unchanged: bool = False,
    carry: Sequence[str] = (),
    max_keys: int = MAX_KEYS_PER_PASS,
) -> MergeOutcome:
    """Compare a run's rows with the table's: both frames hold ``_position``, keys are unique in each.

    ``rows`` is the number of the run's rows; ``content`` are the columns whose equality makes a row unchanged, which with
    ``keep_unchanged`` leaves the table's row as it is. Raises DataFault where the table holds a key twice, which nothing of
    ours writes.
    """
    passes, policy = passes_for(rows, max_keys), policy or ConflictPolicy()
    parts = [
        _weigh_pass(table, run, key, content, policy=policy, carry=carry, passes=passes, residue=residue)
        for residue in range(passes)
    ]
    pairs = pl.concat(parts)
    if pairs[_INCOMING].n_unique() != pairs.height:
        raise DataFault("the Silver table holds the same primary key twice; rebuild it from Bronze")
    fresh = pairs.filter(~pl.col("_stale"))
    stays = pl.lit(keep_unchanged) & pl.col("_same")
    of_run = pl.col(_INCOMING).alias(POSITION)
    return MergeOutcome(
        replaced=fresh.filter(~stays).select(POSITION),
        stale=pairs.filter("_stale").select(of_run),
        kept=fresh.filter(stays).select(of_run),
        carried=fresh.filter(~stays).select(of_run, *carry),
        updated=fresh.filter(~pl.col("_same")).height,
        unchanged=fresh.filter("_same").height,
    )


def _weigh_pass(
    table: pl.LazyFrame,
    run: pl.LazyFrame,
    key: Sequence[str],
    content: Sequence[str],
    *,
    policy: ConflictPolicy,
    carry: Sequence[str],
    passes: int,
    residue: int,
) -> pl.DataFrame:
    """The pairs of rows with the same key in one residue class: positions, whether stale, whether the same content."""

    def narrow(frame: pl.LazyFrame, carried: Sequence[str]) -> pl.LazyFrame:
        shown = frame.select(POSITION, *key, *policy.columns(), *carried, *content_hashes(content))
        return shown.filter(key_hash(key) % passes == residue) if passes > 1 else shown

    return (
        narrow(table, carry)
        .join(
            narrow(run, ()).rename({POSITION: _INCOMING}),
            on=list(key),
            how="inner",
            suffix=_OTHER,
            build_side="force_right",
            maintain_order="left",
        )
        .select(
            POSITION,
            _INCOMING,
            *carry,
            policy.displaces(_OTHER).alias("_stale"),
            pl.all_horizontal(pl.col(name) == pl.col(f"{name}{_OTHER}") for name in CONTENT_HASHES).alias("_same"),
        )
        .collect(engine="streaming")
    )


def content_hashes(content: Sequence[str]) -> list[pl.Expr]:
    """Two 64-bit hashes that stand for a row's content; they live within this process only."""
    return [key_hash(content, seed=seed).alias(name) for seed, name in enumerate(CONTENT_HASHES, start=1)]


def merged(
    table: pl.LazyFrame, run: pl.LazyFrame, outcome: MergeOutcome, *, numbers: pl.DataFrame | None = None, number: str = ""
) -> pl.LazyFrame:
    """The new table: the rows that stay, in their order, then the run's rows that are taken, in theirs.

    ``numbers`` holds the surrogate keys of the run's rows by position where they are counted, ``number`` is their column.
    """
    taken = without(run, outcome.not_taken)
    if numbers is not None:
        taken = with_numbers(taken, numbers, number)
    return pl.concat([without(table, outcome.replaced).drop(POSITION), taken.drop(POSITION)])
