"""Which run a versioned table shows, and what a rebuild leaves word of."""

from typing import Literal

from flowforge.lake import keys
from flowforge.lake.heads import Head, advance_head, amend_head, read_head
from flowforge.lake.table_records import Rebuild, TableRecord, change_table_record
from flowforge.model.errors import DataFault
from flowforge.model.step import StepResult
from flowforge.steps.amended_table import AMENDS
from flowforge.steps.arrival import RunOrder, newest_run
from flowforge.steps.context import StepContext
from flowforge.steps.silver_identity import parquet_metadata


def shown_run(context: StepContext) -> Head | None:
    """The head of the job's versioned table, or None before its first run."""
    return read_head(context.lake, keys.silver_head_key(*context.slugs))


def may_amend(context: StepContext, key: str) -> bool:
    """Whether an object under the run's key is the run's answer: that of a replay is only once the head shows it."""
    if context.planned.replay is None:
        return True
    head = shown_run(context)
    return head is not None and head.key == key


def show_run(context: StepContext, result: StepResult) -> Literal["current", "superseded", "none"]:
    """Make the run's rows the table, unless those of a later run are."""
    if result.head == "superseded":
        return "superseded"
    table, head_key = result.outputs[0], keys.silver_head_key(*context.slugs)
    amends, order = "", (context.planned_at, context.run_id)
    if context.planned.replay is not None or context.planned.rebuild is not None:
        metadata = parquet_metadata(context.lake, table.key)
        order, amends = newest_run(metadata), metadata.get(AMENDS, "")
    head = _head(order, result)
    if context.planned.replay is not None:
        return amend_head(context.lake, head_key, head, amends=amends)
    present = shown_run(context)
    if present is not None and (present.key, present.etag) == (table.key, table.etag):
        return "current"
    if context.planned.rebuild is not None and present is not None:
        # What the same run had before is replaced; a later run stays.
        return amend_head(context.lake, head_key, head, amends=present.key)
    return advance_head(context.lake, head_key, head)


def record_rebuild(context: StepContext, table_key: str) -> None:
    """Leave word of a rebuild, from which on the files of the runs that it has are not read any more."""
    runs = context.planned.rebuild
    if runs is None:
        return
    rebuild = Rebuild(
        run_id=context.run_id,
        planned_at=context.planned_at,
        strategy=context.job.destination_config.silver_config.merge_strategy,
        key=table_key,
        covered=tuple(run.run_id for run in runs),
    )

    def changed(present: TableRecord) -> TableRecord:
        if present.rebuild and (present.rebuild.planned_at, present.rebuild.run_id) >= (rebuild.planned_at, rebuild.run_id):
            return present
        return TableRecord(rebuild=rebuild, compacted=_left(context, present, rebuild))

    change_table_record(context.lake, keys.silver_table_key(*context.slugs), changed)


def _left(context: StepContext, present: TableRecord, rebuild: Rebuild) -> dict[str, tuple[str, ...]]:
    """The compacted files that hold no rows of the rebuild's runs. Raises DataFault for one that holds other rows too."""
    table = TableRecord(rebuild=rebuild)
    left = {}
    for key, held in present.compacted.items():
        replaced = [table.replaces(item, *context.slugs) for item in held]
        if any(replaced) and not all(replaced):
            raise DataFault(
                f"{key} was compacted after the rebuild was planned, and holds rows of its runs and of others, so nothing was "
                "replaced; start the rebuild again",
                file=key,
            )
        if not all(replaced):
            left[key] = held
    return left


def _head(order: RunOrder, result: StepResult) -> Head:
    table = result.outputs[0]
    return Head(
        run_id=order[1],
        key=table.key,
        etag=table.etag,
        rows=table.rows,
        contract_version=result.contract_version,
        planned_at=order[0],
    )
