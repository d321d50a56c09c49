"""One attempt of a step: what it writes is its own until it is verified and published."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from flowforge.lake import keys
from flowforge.lake.lake import Lake, ObjectVersion
from flowforge.lake.publish import ATTEMPT_ID, RUN_ID, Published, publish
from flowforge.medallion.athena_types import as_readable
from flowforge.model.errors import DataFault, RetryLater
from flowforge.model.layer import Compression
from flowforge.model.step import StepResult

ROW_GROUP_ROWS = 131_072
"""Fixed, so that the same rows give the same file whatever the number of threads."""


@dataclass(frozen=True)
class Written:
    """A Parquet object of an attempt, with the number of rows that its footer states."""

    version: ObjectVersion
    rows: int


class Attempt:
    """Writes below ``_attempts/{id}/``, which nobody else reads, and publishes from there. ``compression``: of its Parquet."""

    def __init__(self, lake: Lake, run_id: str, compression: Compression = Compression.ZSTD) -> None:
        self.id = uuid.uuid4().hex
        self._compression = compression
        self._lake = lake
        self._run_id = run_id
        self._names: list[str] = []

    def new_name(self, stem: str) -> str:
        """A name that this attempt has not written to: a failed sink can still upload after it has raised."""
        return f"{stem}_{len(self._names)}.parquet"

    def write(self, frame: pl.LazyFrame, name: str, *, metadata: Mapping[str, str]) -> Written:
        """Stream a frame to a Parquet object of this attempt, in types that Athena reads, and read its row count back.

        A sink that fails leaves a valid, truncated object behind, so nothing that it wrote is ever taken for whole: the
        count is compared by the caller with one that the writer does not share.
        """
        key = keys.attempt_key(self.id, name)
        self._names.append(name)
        as_readable(frame).sink_parquet(
            self._lake.uri(key),
            compression=self._compression.codec,
            compression_level=self._compression.level,
            row_group_size=ROW_GROUP_ROWS,
            maintain_order=True,
            metadata=dict(metadata),
            storage_options=self._lake.storage_options,
            engine="streaming",
        )
        version = self._lake.head(key)
        if version is None:
            raise RetryLater(f"{key} is not there although it was written")
        rows = scan(self._lake, key).select(pl.len()).collect().item()
        return Written(version, rows)

    def prepare(self, result: StepResult) -> None:
        """Store what the step will answer, before anything is visible, for a later attempt that finds it published."""
        self._names.append(_RESULT)
        self._lake.overwrite(keys.attempt_key(self.id, _RESULT), result.to_json())

    def publish(self, written: Written, key: str, *, replaces: str | None = None, table_version: int | None = None) -> Published:
        """Make a verified object visible under its final key."""
        return publish(
            self._lake,
            written.version,
            key,
            run_id=self._run_id,
            attempt_id=self.id,
            replaces=replaces,
            table_version=table_version,
        )

    def discard(self) -> None:
        """Remove what the attempt wrote for itself."""
        self._lake.delete([keys.attempt_key(self.id, name) for name in self._names])


_RESULT = "result.json"
ACCEPTED = "accepted.parquet"
"""The rows that a run's Silver accepted; where a table keeps them, another run's attempt may publish them."""


def published_attempt(lake: Lake, key: str, run_id: str) -> str | None:
    """The attempt of this run that published the object under a key, or None where the object is not this run's."""
    version = lake.head(key)
    if version is None or version.metadata.get(RUN_ID) != run_id:
        return None
    return version.metadata.get(ATTEMPT_ID)


def prepared_result(lake: Lake, attempt_id: str) -> StepResult | None:
    """What an attempt was about to answer when it published."""
    stored = lake.read(keys.attempt_key(attempt_id, _RESULT))
    return StepResult.model_validate_json(stored[0]) if stored else None


def scan(lake: Lake, *object_keys: str, position: str | None = None) -> pl.LazyFrame:
    """Parquet objects in this order, columns matched by name; ``position`` names a row index over all of them."""
    return pl.scan_parquet(
        [lake.uri(key) for key in object_keys],
        row_index_name=position,
        glob=False,
        hive_partitioning=False,
        storage_options=lake.storage_options,
    )


def require_equations(broken: list[str], what: str) -> None:
    """Raise DataFault where rows are unaccounted for: nothing has been published yet."""
    if broken:
        raise DataFault(f"{what}: rows are unaccounted for, so nothing was published: {'; '.join(broken)}")
