"""silver_transform: the run's Bronze, typed, checked and unique, becomes the table or part of it."""

from collections.abc import Sequence

import polars as pl

from flowforge.lake import keys
from flowforge.lake.contracts import latest_contract, read_contract, settle_contract
from flowforge.lake.heads import Head, advance_head
from flowforge.lake.lake import ObjectVersion
from flowforge.lake.publish import ATTEMPT_ID, RUN_ID, publish
from flowforge.medallion.duplicates import POSITION
from flowforge.medallion.inference import Inference, infer_types
from flowforge.medallion.schema_contract import contract_columns
from flowforge.medallion.silver import Silver
from flowforge.model.contract import Contract, ContractColumn
from flowforge.model.errors import DataFault
from flowforge.model.job import AUDIT_COLUMNS, MergeStrategy
from flowforge.model.step import PublishedObject, Step, StepResult
from flowforge.steps.attempt import Attempt, Written, prepared_result, published_attempt, require_equations, scan
from flowforge.steps.context import StepContext
from flowforge.steps.engine_errors import engine_errors
from flowforge.steps.results import require_result
from flowforge.steps.silver_table import PRIMARY_KEY, RunRows, SilverTable, merged_table, versioned_table


def silver_transform(context: StepContext, attempt: Attempt) -> StepResult:
    """Type, deduplicate, check, set aside, and publish by the job's strategy.

    Raises ConfigFault where the table needs a rebuild, CommitConflict where another run changed it meanwhile.
    """
    earlier = _published_before(context)
    if earlier is not None:
        return _finish(context, earlier)
    bronze = require_result(context, Step.BRONZE_INGEST)
    _require_bronze(context, bronze)
    objects = [output.key for output in bronze.outputs]
    with engine_errors(f"{context.job.name}: Bronze could not be transformed"):
        frame = scan(context.lake, *objects, position=POSITION)
        read = scan(context.lake, *objects).select(pl.len()).collect().item()
        contract, columns, notes = _settle(context, frame, read)
        silver = Silver(frame, columns, context.job)
        verdict = silver.judge(read)
        metadata = context.metadata("silver", contract) | {PRIMARY_KEY: ",".join(silver.key)}
        accepted = attempt.write(silver.accepted(verdict), "accepted.parquet", metadata=metadata)
        quarantined = (
            attempt.write(silver.quarantine(verdict), "quarantine.parquet", metadata=context.metadata("quarantine", contract))
            if verdict.quarantined
            else None
        )
        rows = RunRows(read, accepted, verdict.duplicates, quarantined)
        if context.job.destination_config.silver_config.merge_strategy is MergeStrategy.MERGE:
            table = merged_table(context, attempt, rows, columns, silver.key, metadata)
        else:
            table = versioned_table(context, rows)
    _require_bronze(context, bronze)
    require_equations(table.counts.broken_equations(), "silver_transform")
    outputs = _outputs(context, table, quarantined)
    result = context.result(
        table.counts,
        outputs,
        read_bytes=sum(output.size_bytes for output in bronze.outputs),
        contract=contract,
        rules=verdict.rules,
        notes=notes,
    )
    attempt.prepare(result)
    if quarantined is not None:
        attempt.publish(quarantined, outputs[-1].key)
    if table.replaces is not None:
        _archive(context, table.replaces)
    published = attempt.publish(table.written, table.key, replaces=table.replaces.etag if table.replaces else None)
    if published.attempt_id != attempt.id:
        result = prepared_result(context.lake, published.attempt_id) or result
    return _finish(context, result)


def _require_bronze(context: StepContext, bronze: StepResult) -> None:
    """Raise DataFault where the run's Bronze is not what bronze_ingest published; nothing of ours replaces it."""
    for output in bronze.outputs:
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


def _outputs(context: StepContext, table: SilverTable, quarantined: Written | None) -> list[PublishedObject]:
    outputs = [
        PublishedObject(
            role="silver", key=table.key, etag="", rows=table.written.rows, size_bytes=table.written.version.size_bytes
        )
    ]
    if quarantined is not None:
        key = keys.quarantine_key(*context.slugs, context.planned_at, context.run_id)
        outputs.append(
            PublishedObject(role="quarantine", key=key, etag="", rows=quarantined.rows, size_bytes=quarantined.version.size_bytes)
        )
    return outputs


def _archive(context: StepContext, table: ObjectVersion) -> None:
    """Keep the table that is about to be replaced, under the run that wrote it; never overwritten."""
    run_id = table.metadata.get(RUN_ID, "unknown")
    key = keys.silver_archive_key(*context.slugs, run_id)
    publish(context.lake, table, key, run_id=run_id, attempt_id=table.metadata.get(ATTEMPT_ID, ""))


def _published_before(context: StepContext) -> StepResult | None:
    """What an earlier attempt of this run was about to answer, where its table is visible or archived already."""
    if context.job.destination_config.silver_config.merge_strategy is MergeStrategy.MERGE:
        places = [keys.silver_current_key(*context.slugs), keys.silver_archive_key(*context.slugs, context.run_id)]
    else:
        places = [keys.silver_run_key(*context.slugs, context.planned_at, context.run_id)]
    for place in places:
        attempt_id = published_attempt(context.lake, place, context.run_id)
        if attempt_id is not None:
            return prepared_result(context.lake, attempt_id)
    return None


def _finish(context: StepContext, result: StepResult) -> StepResult:
    """Fill in the ETags, and make a versioned run the table."""
    outputs = tuple(
        output.model_copy(update={"etag": version.etag if version else ""})
        for output in result.outputs
        for version in [context.lake.head(output.key)]
    )
    result = result.model_copy(update={"outputs": outputs})
    if context.job.destination_config.silver_config.merge_strategy is MergeStrategy.MERGE:
        return result
    table = outputs[0]
    head = Head(
        run_id=context.run_id,
        key=table.key,
        etag=table.etag,
        rows=table.rows,
        contract_version=result.contract_version,
        planned_at=context.planned_at,
    )
    position = advance_head(context.lake, keys.silver_head_key(*context.slugs), head)
    return result.model_copy(update={"head": position})
