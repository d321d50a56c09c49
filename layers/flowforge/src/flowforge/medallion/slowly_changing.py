"""Slowly changing dimension, type 2: per natural key its versions, each with the time from and to which it held.

A *fact* is a row that a run brought: at this time the key looked like this. A version begins with a fact and ends where the
next version of its key begins (``from <= t < to``), so intervals never overlap; the last one has no end. Where facts hold
from their arrival, equal ones that follow each other are one version, and a key that a full snapshot lacks ends there.
Where the source says from when a row holds, each date of a key is a version, as its source wished.

The versions follow from the set of facts, whatever the order in which runs bring them. Only keys, times and hashes are held
in memory, those of one residue class of the key's hash at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from flowforge.medallion.conflict_policy import ConflictPolicy
from flowforge.medallion.duplicates import MAX_KEYS_PER_PASS, POSITION, key_hash, passes_for, without
from flowforge.medallion.merge import CONTENT_HASHES, content_hashes
from flowforge.model.silver_config import SilverConfig

_TIME = "_time"
_GONE = "_gone"
_NEXT = "_next"
_VERSION = "_version"
_AT_ONCE = "_at_once"
_KNOWN = "_known"
_INCOMING = "_incoming"
_LATEST_AT_ITS_TIME = "_latest_at_its_time"
END = "_end"


@dataclass(frozen=True)
class History:
    """What a history is made of: its key, the columns whose change makes a version, and the columns that it adds."""

    key: tuple[str, ...]
    content: tuple[str, ...]
    effective: str
    by_arrival: bool
    end: str
    current: str
    policy: ConflictPolicy

    @classmethod
    def of(cls, config: SilverConfig, content: Sequence[str], policy: ConflictPolicy) -> "History":
        """The history that a job describes; ``content`` are the columns of its contract."""
        return cls(
            key=config.primary_key,
            content=tuple(content),
            effective=config.scd_effective_date_column,
            by_arrival=config.effective_date_source is None,
            end=config.scd_end_date_column,
            current=config.scd_current_flag_column,
            policy=policy,
        )

    @property
    def time(self) -> pl.Expr:
        """From when a fact holds."""
        return pl.col("_ingested_at") if self.by_arrival else pl.col(self.effective)


@dataclass(frozen=True)
class Versions:
    """The facts that begin a version: ``begun`` holds ``_position`` and ``_end`` (null: it holds still).

    The counts tell what became of the run's facts; ``deleted`` are the keys that its snapshot lacks.
    """

    begun: pl.DataFrame
    inserted: int
    updated: int
    unchanged: int
    stale: int
    deleted: int


@dataclass(frozen=True)
class Advance:
    """What a run that is later than all others does: positions of the table's versions that end, of its unchanged facts."""

    ended: pl.DataFrame
    unchanged: pl.DataFrame
    known: int
    deleted: int


def versions_of(
    facts: pl.LazyFrame,
    history: History,
    *,
    rows: int,
    first_of_run: int,
    snapshots: Sequence[datetime] = (),
    run_at: datetime | None = None,
    max_keys: int = MAX_KEYS_PER_PASS,
) -> Versions:
    """The versions of the keys that a run has, from all facts of these keys.

    ``facts`` holds ``_position``, from ``first_of_run`` on the run's. ``snapshots`` are the times of all runs that showed every
    key that was there, in order; with them the versions of every key are answered, and ``run_at`` is the run's own.
    """
    passes = passes_for(rows, max_keys)
    parts = [
        _versions_pass(
            facts,
            history,
            first_of_run=first_of_run,
            snapshots=snapshots,
            run_at=run_at,
            passes=passes,
            residue=residue,
        )
        for residue in range(passes)
    ]
    return Versions(
        begun=pl.concat([part.begun for part in parts]),
        inserted=sum(part.inserted for part in parts),
        updated=sum(part.updated for part in parts),
        unchanged=sum(part.unchanged for part in parts),
        stale=sum(part.stale for part in parts),
        deleted=sum(part.deleted for part in parts),
    )


def _versions_pass(
    facts: pl.LazyFrame,
    history: History,
    *,
    first_of_run: int,
    snapshots: Sequence[datetime],
    run_at: datetime | None,
    passes: int,
    residue: int,
) -> Versions:
    key, order = list(history.key), history.policy.names
    narrow = facts.select(POSITION, *key, history.time.alias(_TIME), *history.policy.columns(), *content_hashes(history.content))
    if passes > 1:
        narrow = narrow.filter(key_hash(key) % passes == residue)
    if not snapshots:
        run_keys = narrow.filter(pl.col(POSITION) >= first_of_run).select(key)
        narrow = narrow.join(run_keys, on=key, how="semi", build_side="force_right")
    moments = [*key, _TIME]
    frame = (
        narrow.collect(engine="streaming")
        .sort(_TIME, *order, POSITION)
        .with_columns(
            (pl.col(POSITION) == pl.col(POSITION).last().over(moments)).alias(_LATEST_AT_ITS_TIME),
            _same_as_before(moments).alias(_AT_ONCE),
            (pl.col(POSITION).min().over(key) < first_of_run).alias(_KNOWN),
        )
    )
    latest = _with_next_snapshot(frame.filter(_LATEST_AT_ITS_TIME), snapshots)
    came_back = (pl.col(_GONE).shift(1).over(key) < pl.col(_TIME)).fill_null(False)
    begins = pl.lit(not history.by_arrival) | ~_same_as_before(key) | came_back
    begun = (
        latest.with_columns(begins.cast(pl.UInt32).cum_sum().over(key).alias(_VERSION))
        .group_by(*key, _VERSION, maintain_order=True)
        .agg(
            pl.col(POSITION, _TIME, _AT_ONCE, _KNOWN).first(),
            pl.col(_GONE).last(),
        )
        .with_columns(pl.col(_TIME).shift(-1).over(key).alias(_NEXT))
        .with_columns(pl.min_horizontal(_NEXT, _GONE).alias(END))
    )
    of_run = begun.filter(pl.col(POSITION) >= first_of_run)
    new = of_run.filter(~pl.col(_AT_ONCE))
    facts_of_run = frame.filter(pl.col(POSITION) >= first_of_run)
    stale = facts_of_run.filter(~pl.col(_LATEST_AT_ITS_TIME)).height
    inserted, updated = new.filter(~pl.col(_KNOWN)).height, new.filter(_KNOWN).height
    missing = begun.filter((pl.col(_NEXT) > pl.col(_GONE)).fill_null(True) & pl.col(_GONE).is_in([run_at] if run_at else []))
    return Versions(
        begun=begun.select(POSITION, END),
        inserted=inserted,
        updated=updated,
        unchanged=facts_of_run.height - inserted - updated - stale,
        stale=stale,
        deleted=missing.height,
    )


def _same_as_before(within: Sequence[str]) -> pl.Expr:
    """Whether the row before of the same group has the same content; False where there is none."""
    hashes = [pl.col(name) == pl.col(name).shift(1).over(within) for name in CONTENT_HASHES]
    return pl.all_horizontal(hashes).fill_null(False)


def _with_next_snapshot(latest: pl.DataFrame, snapshots: Sequence[datetime]) -> pl.DataFrame:
    """The facts with the time of the first snapshot after each, at which it was seen no more if no fact follows till then."""
    time = latest.schema[_TIME]
    following = pl.DataFrame({_GONE: sorted(snapshots)}, schema={_GONE: time})
    return latest.join_asof(
        following, left_on=_TIME, right_on=_GONE, strategy="forward", allow_exact_matches=False, coalesce=False
    )


def affected_positions(table: pl.LazyFrame, run: pl.LazyFrame, key: Sequence[str]) -> pl.DataFrame:
    """The positions of the table's versions whose key a run has."""
    keys = run.select(key)
    return table.join(keys, on=list(key), how="semi", build_side="force_right").select(POSITION).collect(engine="streaming")


def begun_versions(facts: pl.LazyFrame, versions: pl.DataFrame, history: History) -> pl.LazyFrame:
    """The facts that begin a version, in their order, with the columns of a history; ``_position`` stays."""
    begun = facts.join(versions.lazy(), on=POSITION, how="inner", build_side="force_right", maintain_order="left")
    return _with_interval(begun, pl.col(END), history).drop(END)


def advance(
    table: pl.LazyFrame,
    run: pl.LazyFrame,
    history: History,
    *,
    rows: int,
    is_snapshot: bool,
    max_keys: int = MAX_KEYS_PER_PASS,
) -> Advance:
    """Compare the facts of a run that is later than all others with the versions that hold; keys of the run are unique.

    Both frames hold ``_position``; ``rows`` is the larger of their heights. Needs a history that holds from arrival.
    """
    passes = passes_for(rows, max_keys)
    parts = [
        _advance_pass(table, run, history, is_snapshot=is_snapshot, passes=passes, residue=residue) for residue in range(passes)
    ]
    return Advance(
        ended=pl.concat([part.ended for part in parts]),
        unchanged=pl.concat([part.unchanged for part in parts]),
        known=sum(part.known for part in parts),
        deleted=sum(part.deleted for part in parts),
    )


def _advance_pass(
    table: pl.LazyFrame, run: pl.LazyFrame, history: History, *, is_snapshot: bool, passes: int, residue: int
) -> Advance:
    key = list(history.key)

    def narrow(frame: pl.LazyFrame, *columns: str) -> pl.LazyFrame:
        shown = frame.select(POSITION, *key, *columns, *content_hashes(history.content))
        return shown.filter(key_hash(key) % passes == residue) if passes > 1 else shown

    versions, facts = narrow(table, history.current), narrow(run).rename({POSITION: _INCOMING})
    pairs = (
        versions.join(facts, on=key, how="inner", build_side="force_right")
        .select(
            POSITION,
            _INCOMING,
            history.current,
            pl.all_horizontal(pl.col(name) == pl.col(f"{name}_right") for name in CONTENT_HASHES).alias(_AT_ONCE),
        )
        .collect(engine="streaming")
    )
    holding = pairs.filter(history.current)
    ended = [holding.filter(~pl.col(_AT_ONCE)).select(POSITION)]
    deleted = 0
    if is_snapshot:
        missing = versions.filter(history.current).join(facts.select(key), on=key, how="anti", build_side="force_right")
        gone = missing.select(POSITION).collect(engine="streaming")
        ended.append(gone)
        deleted = gone.height
    return Advance(
        ended=pl.concat(ended),
        unchanged=holding.filter(_AT_ONCE).select(pl.col(_INCOMING).alias(POSITION)),
        known=pairs[_INCOMING].n_unique(),
        deleted=deleted,
    )


def advanced_table(table: pl.LazyFrame, ended: pl.DataFrame, at: datetime, history: History) -> pl.LazyFrame:
    """The table's versions, of which some ended at a time; ``_position`` stays."""
    if not ended.height:
        return table
    columns = table.collect_schema().names()
    marks = ended.lazy().with_columns(pl.lit(True).alias(_GONE))
    joined = table.join(marks, on=POSITION, how="left", build_side="force_right", maintain_order="left")
    gone = pl.col(_GONE).is_not_null()
    end = pl.when(gone).then(pl.lit(at, dtype=pl.Datetime("us", "UTC"))).otherwise(pl.col(history.end))
    return joined.with_columns(end.alias(history.end), (pl.col(history.current) & ~gone).alias(history.current)).select(columns)


def opened_versions(run: pl.LazyFrame, unchanged: pl.DataFrame, history: History) -> pl.LazyFrame:
    """The run's facts that begin a version which still holds; ``_position`` stays."""
    rows = without(run, unchanged)
    time = pl.Datetime("us", "UTC")
    return _with_interval(rows, pl.lit(None, dtype=time), history)


def _with_interval(facts: pl.LazyFrame, end: pl.Expr, history: History) -> pl.LazyFrame:
    effective = [history.time.alias(history.effective)] if history.by_arrival else []
    return facts.with_columns(*effective, end.alias(history.end), end.is_null().alias(history.current))


def latest_changes(
    facts: pl.LazyFrame,
    key: Sequence[str],
    content: Sequence[str],
    policy: ConflictPolicy,
    *,
    rows: int,
    max_keys: int = MAX_KEYS_PER_PASS,
) -> pl.DataFrame:
    """The positions of the facts since which each key has the content that it has now.

    Of the facts that follow each other with the same content, in the policy's order, the first one counts.
    """
    passes = passes_for(rows, max_keys)
    parts = []
    for residue in range(passes):
        narrow = facts.select(POSITION, *key, *policy.columns(), *content_hashes(content))
        if passes > 1:
            narrow = narrow.filter(key_hash(key) % passes == residue)
        changes = narrow.collect(engine="streaming").sort(*policy.names, POSITION).filter(~_same_as_before(key))
        parts.append(changes.group_by(*key, maintain_order=True).agg(pl.col(POSITION).last()).select(POSITION))
    return pl.concat(parts)
