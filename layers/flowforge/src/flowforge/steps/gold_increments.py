"""What a Gold keeps of its making in its own file, and how the next one grows from it.

Everything that a later run needs stands in the footer of the published object, so the object and what is known of it cannot
come apart. Where anything does not fit, the dataset is made anew from the whole of Silver: the result is the same.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from flowforge.lake import keys
from flowforge.lake.heads import Head, read_head
from flowforge.lake.lake import ObjectVersion
from flowforge.medallion.aggregation import Aggregation
from flowforge.medallion.exact_sum import Magnitudes
from flowforge.medallion.gold_increment import Increment
from flowforge.model.base import Document
from flowforge.steps.attempt import scan
from flowforge.steps.context import StepContext
from flowforge.steps.silver_identity import parquet_metadata
from flowforge.steps.silver_reader import SilverRows, rows_of_files

STATE = "flowforge.gold_state"
MEANING = 1
"""Raised when an aggregate comes to mean something else: what was made by the older meaning is then made anew."""


class GoldState(Document):
    """What an aggregation was made of: ``definition`` is a hash of its options and types; ``files`` maps Silver's keys to ETags.

    ``largest`` and ``rows`` are the magnitudes of its floats.
    """

    schema_version: int = 1
    definition: str
    files: dict[str, str]
    largest: dict[str, float]
    rows: int


@dataclass(frozen=True)
class GrownGold:
    """The groups in no order, the state to keep with them, and a sentence on how they were made.

    ``base`` is the published object that the groups are read from, or None.
    """

    groups: pl.LazyFrame
    metadata: dict[str, str]
    note: str
    base: ObjectVersion | None = None


def grown_gold(context: StepContext, table: SilverRows, source: pl.LazyFrame, undetermined: Sequence[str]) -> GrownGold:
    """The aggregation of the table, from the published one and the files that came since where that gives the same."""
    config = context.job.destination_config.gold_config
    everything = Aggregation(source, config, undetermined)
    definition = _definition(context, table)

    def kept(magnitudes: Magnitudes) -> dict[str, str]:
        files = {item.key: item.etag for item in table.objects}
        state = GoldState(definition=definition, files=files, largest=dict(magnitudes.largest), rows=magnitudes.rows)
        return {STATE: state.model_dump_json(by_alias=True)}

    def anew(reason: str) -> GrownGold:
        rows = everything.source
        magnitudes = everything.magnitudes(rows)
        return GrownGold(everything.groups(rows, magnitudes.scales), kept(magnitudes), f"built in full: {reason}")

    head = read_head(context.lake, keys.gold_head_key(config.domain, context.job.dataset))
    present = context.lake.head(head.key) if head else None
    if head is None or present is None or present.etag != head.etag:
        return anew("no Gold was published before")
    state = _state_of(context, head)
    if state is None or state.definition != definition:
        return anew("its options or the types of its columns changed")
    seen = {item.key: item.etag for item in table.objects if item.key in state.files}
    if seen != state.files:
        return anew("files of Silver that it was made of were replaced or removed")
    new = [item for item in table.objects if item.key not in state.files]
    if not new:
        groups = scan(context.lake, head.key)
        return GrownGold(groups, kept(Magnitudes(state.largest, state.rows)), f"nothing came since run {head.run_id}", present)
    delta = Aggregation(rows_of_files(context, new, table.contract), config, undetermined)
    increment = Increment(scan(context.lake, head.key), Magnitudes(state.largest, state.rows), everything, delta)
    grown = increment.groups()
    if grown is None:
        return anew("the new rows change the scale of its sums, or it is one group")
    groups, magnitudes = grown
    return GrownGold(groups, kept(magnitudes), f"grown from run {head.run_id} by {_files(new)}", present)


def _definition(context: StepContext, table: SilverRows) -> str:
    config = context.job.destination_config.gold_config.model_dump(mode="json", exclude={"order_by", "partition_keys"})
    columns = [column.model_dump(mode="json") for column in table.contract.columns] if table.contract else None
    return hashlib.sha256(json.dumps([MEANING, config, columns], sort_keys=True).encode()).hexdigest()


def _state_of(context: StepContext, head: Head) -> GoldState | None:
    stored = parquet_metadata(context.lake, head.key).get(STATE)
    return GoldState.model_validate_json(stored) if stored else None


def _files(new: Sequence[ObjectVersion]) -> str:
    return "1 file" if len(new) == 1 else f"{len(new)} files"
