"""Rows of the same key, found in bounded memory.

A pass reads the key columns only, keeps the 64-bit hashes of one residue class that come more than once, and settles the
few rows behind them by their real key. The hash lives within one process and is never stored.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

import polars as pl

POSITION = "_position"
_HASH = "_hash"
MAX_KEYS_PER_PASS = 4_000_000
"""About 0.45 GB where no key repeats, about 1 GB where many do."""


def superseded_positions(
    keys: pl.LazyFrame,
    key: Sequence[str],
    *,
    rows: int,
    order: Sequence[str] = (),
    keep: Literal["first", "last"] = "last",
    max_keys: int = MAX_KEYS_PER_PASS,
) -> pl.DataFrame:
    """The positions of rows that another row of their key displaces. Nulls of the key are equal to each other.

    Of each key the last row stays, or the first one, by the columns of ``order`` (null below every value), then by position.
    ``keys`` holds ``_position`` (ascending integers), the key and the order; ``rows`` is an upper bound of its height.
    """
    stays = pl.col(POSITION).last() if keep == "last" else pl.col(POSITION).first()
    return _collect(
        keys,
        (
            candidates.sort(*order, POSITION, nulls_last=False)
            .filter(pl.col(POSITION) != stays.over(key))
            .select(POSITION)
            .sort(POSITION)
            for candidates in _repeated(keys, key, rows=rows, max_keys=max_keys)
        ),
    )


def repeated_positions(keys: pl.LazyFrame, key: Sequence[str], *, rows: int, max_keys: int = MAX_KEYS_PER_PASS) -> pl.DataFrame:
    """The positions of every row whose key comes more than once: what a unique rule fails."""
    return _collect(
        keys,
        (
            candidates.filter(pl.len().over(key) > 1).select(POSITION)
            for candidates in _repeated(keys, key, rows=rows, max_keys=max_keys)
        ),
    )


def key_hash(key: Sequence[str], *, seed: int = 0) -> pl.Expr:
    """A hash of the key's values, for use within this process only."""
    return pl.struct(key).hash(seed=seed)


def passes_for(rows: int, max_keys: int = MAX_KEYS_PER_PASS) -> int:
    """Into how many residue classes of the hash the keys are split."""
    return max(1, -(-rows // max_keys))


def _repeated(keys: pl.LazyFrame, key: Sequence[str], *, rows: int, max_keys: int) -> Iterator[pl.DataFrame]:
    """Per pass the rows whose key's hash comes more than once."""
    passes = passes_for(rows, max_keys)
    for residue in range(passes):
        hashed = keys.with_columns(key_hash(key).alias(_HASH)).filter(pl.col(_HASH) % passes == residue)
        again = (hashed.group_by(_HASH).agg(pl.len().alias("_len")).filter(pl.col("_len") > 1).select(_HASH)).collect(
            engine="streaming"
        )
        if again.height:
            yield (
                hashed.join(again.lazy(), on=_HASH, how="semi", build_side="force_right").drop(_HASH).collect(engine="streaming")
            )


def _collect(keys: pl.LazyFrame, parts: Iterator[pl.DataFrame]) -> pl.DataFrame:
    empty = pl.DataFrame(schema={POSITION: keys.collect_schema()[POSITION]})
    return pl.concat([empty, *parts])


def without(frame: pl.LazyFrame, positions: pl.DataFrame) -> pl.LazyFrame:
    """The frame less the rows at these positions, in its order."""
    if not positions.height:
        return frame
    return frame.join(positions.lazy(), on=POSITION, how="anti", build_side="force_right", maintain_order="left")
