"""silver_transform: the run's Bronze, typed, checked and unique, becomes the table or part of it."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import polars as pl

from flowforge.lake.contracts import latest_contract, read_contract, settle_contract
from flowforge.medallion.duplicates import POSITION
from flowforge.medallion.inference import Inference, infer_types
from flowforge.medallion.schema_contract import contract_columns
from flowforge.medallion.silver import Silver
from flowforge.model.contract import Contract, ContractColumn
from flowforge.model.errors import DataFault
from flowforge.model.names import AUDIT_COLUMNS
from flowforge.model.step import Step, StepResult
from flowforge.steps.arrival import GENERATION, arrival_of
from flowforge.steps.attempt import ACCEPTED, Attempt, scan
from flowforge.steps.context import StepContext
from flowforge.steps.engine_errors import engine_errors
from flowforge.steps.rebuild import rebuilt_table, rebuilt_work
from flowforge.steps.results import require_result
from flowforge.steps.run_rows import RunRows, SilverWork
from flowforge.steps.silver_commit import commit, finish, published_before
from flowforge.steps.silver_identity import identity_metadata, require_same_strategy
from flowforge.steps.silver_table import SilverTable, rebuilt, silver_table


def silver_transform(context: StepContext, attempt: Attempt) -> StepResult:
    """Type, deduplicate, check, set aside, and publish by the job's strategy.

    Raises ConfigFault where the table needs a rebuild, CommitConflict where another run changed it meanwhile.
    """
    earlier = published_before(context)
    if earlier is not None:
        return finish(context, earlier)
    bronze = require_result(context, Step.BRONZE_INGEST)
    _require_bronze(context, bronze)
    runs = context.planned.rebuild
    with engine_errors(f"{context.job.name}: Bronze could not be transformed"):
        if runs is None:
            require_same_strategy(context)
            work = _transform(context, attempt, [output.key for output in bronze.outputs_of("bronze")])
        else:
            work = rebuilt_work(context, attempt, runs, partial(_transform, context, attempt))
    _require_bronze(context, bronze)
    work = replace(work, read_bytes=sum(output.size_bytes for output in bronze.outputs_of("bronze")))

    def make_table() -> SilverTable:
        with engine_errors(f"{context.job.name}: the Silver table could not be written"):
            if runs is None:
                return silver_table(context, attempt, work.rows)
            return rebuilt(context, rebuilt_table(context, attempt, work.rows, runs))

    return commit(context, attempt, work, make_table)


def _transform(context: StepContext, attempt: Attempt, objects: Sequence[str], part: str = "") -> SilverWork:
    """The rows of some objects of Bronze, judged and written: those that are accepted, and those that are set aside.

    ``part`` tells the files of one of several runs from those of the others.
    """
    frame = scan(context.lake, *objects, position=POSITION)
    read = scan(context.lake, *objects).select(pl.len()).collect().item()
    contract, columns, notes = _settle(context, frame, read)
    silver = Silver(frame, columns, context.job)
    verdict = silver.judge(read)
    arrival = arrival_of(context)
    metadata = context.metadata("silver", contract) | identity_metadata(context, silver.key)
    metadata |= arrival.metadata() | {GENERATION: context.run_id}
    accepted = attempt.write(silver.accepted(verdict), f"accepted{part}.parquet" if part else ACCEPTED, metadata=metadata)
    quarantined = (
        attempt.write(silver.quarantine(verdict), f"quarantine{part}.parquet", metadata=context.metadata("quarantine", contract))
        if verdict.quarantined
        else None
    )
    return SilverWork(
        RunRows(read, accepted, verdict.duplicates, quarantined, columns, silver.key, metadata, arrival),
        contract,
        verdict.rules,
        notes,
    )


def _require_bronze(context: StepContext, bronze: StepResult) -> None:
    """Raise DataFault where the run's Bronze is not what bronze_ingest published; nothing of ours replaces it."""
    for output in bronze.outputs_of("bronze"):
        version = context.lake.head(output.key)
        if version is None or version.etag != output.etag:
            raise DataFault(f"{output.key} was replaced or removed after it was published; start a new run", file=output.key)


def _settle(context: StepContext, frame: pl.LazyFrame, rows: int) -> tuple[Contract | None, Sequence[ContractColumn], list[str]]:
    """The contract of this run. Without rows none is stored, and the columns are as much as is known of them."""
    present = latest_contract(context.lake, context.plan.workflow_id, context.job.id, start=context.planned.contract_version)
    names = [name for name in frame.collect_schema().names() if name not in (*AUDIT_COLUMNS, POSITION)]
    notes: list[str] = []

    def infer(wanted: Sequence[str]) -> Inference:
        inference = infer_types(frame, wanted)
        notes.extend(inference.notes)
        return inference

    if rows == 0:
        columns, _ = contract_columns(context.job, names, present, lambda _: Inference({}, []))
        return present, columns, []
    if present is not None and present.run_id == context.run_id:
        # An earlier attempt stored it and could not tell what it noted.
        before = read_contract(context.lake, context.plan.workflow_id, context.job.id, present.version - 1)
        contract_columns(context.job, names, before, infer)
    contract = settle_contract(
        context.lake,
        context.plan.workflow_id,
        context.job.id,
        start=present,
        derive=lambda current: contract_columns(context.job, names, current, infer)[0],
        run_id=context.run_id,
    )
    return contract, contract.columns, sorted(set(notes))
