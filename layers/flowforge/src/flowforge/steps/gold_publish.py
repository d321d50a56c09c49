"""gold_publish: Silver, copied, aggregated or selected by SQL, becomes the published dataset."""

import polars as pl

from flowforge.lake import keys
from flowforge.lake.heads import Head, advance_head
from flowforge.lake.lake import ObjectVersion
from flowforge.lake.publish import ATTEMPT_ID, RUN_ID, TABLE_VERSION
from flowforge.medallion.gold import represented_rows
from flowforge.model.job import JobType
from flowforge.model.silver_config import MergeStrategy
from flowforge.model.step import GoldCounts, GoldSqlCounts, PublishedObject, StepResult
from flowforge.steps.attempt import Attempt, prepared_result, scan
from flowforge.steps.context import CONTRACT_VERSION_METADATA, StepContext
from flowforge.steps.engine_errors import engine_errors
from flowforge.steps.gold_build import gold_of_silver, gold_of_tables
from flowforge.steps.reconciliation import stored_outcomes
from flowforge.steps.silver_identity import parquet_metadata


def gold_publish(context: StepContext, attempt: Attempt) -> StepResult:
    """Make the dataset from the tables as they are now, hold it to the job's comparisons, and publish it.

    Raises ConfigFault where the options do not fit the columns, DataFault where a comparison fails, CommitConflict where a
    table changed meanwhile.
    """
    config = context.job.destination_config.gold_config
    key = keys.gold_key(config.domain, context.job.dataset, context.planned_at, context.run_id)
    earlier = context.lake.head(key)
    if earlier is not None and earlier.metadata.get(RUN_ID) == context.run_id:
        return _finish(context, _answer_of(context, earlier), earlier)
    build = gold_of_tables if context.job.type is JobType.GOLD_ANALYTICS else gold_of_silver
    work = build(context, attempt)
    output = PublishedObject(role="gold", key=key, etag="", rows=work.written.rows, size_bytes=work.written.version.size_bytes)
    result = context.result(
        work.counts,
        [output],
        read_bytes=work.read_bytes,
        contract=work.contract,
        table_version=work.table_version,
        reconciliation=work.reconciliation,
        notes=work.notes,
        lineage=work.lineage,
    )
    attempt.prepare(result)
    published = attempt.publish(work.written, key, table_version=work.table_version)
    if published.attempt_id != attempt.id:
        result = _answer_of(context, published.version)
    return _finish(context, result, published.version)


def _answer_of(context: StepContext, published: ObjectVersion) -> StepResult:
    """What the attempt that published was about to answer; where that was cleared away, what its object says of itself.

    The table has moved on since, so the object is never described by what the table holds now.
    """
    prepared = prepared_result(context.lake, published.metadata.get(ATTEMPT_ID, ""))
    if prepared is not None:
        return prepared
    config = context.job.destination_config.gold_config
    with engine_errors(f"{published.key} could not be read"):
        gold = scan(context.lake, published.key)
        rows = gold.select(pl.len()).collect().item()
        represented = int(represented_rows(gold, config).collect().item())
        contract_version = parquet_metadata(context.lake, published.key).get(CONTRACT_VERSION_METADATA)
    output = PublishedObject(role="gold", key=published.key, etag="", rows=rows, size_bytes=published.size_bytes)
    version = published.metadata.get(TABLE_VERSION)
    result = context.result(
        _counts_of_published(context, rows, represented),
        [output],
        read_bytes=0,
        reconciliation=stored_outcomes(context),
        table_version=int(version) if version else None,
    )
    return result.model_copy(update={"contract_version": int(contract_version) if contract_version else None})


def _counts_of_published(context: StepContext, rows: int, represented: int) -> GoldCounts | GoldSqlCounts:
    """Counts that an object alone tells: of what a statement read, nothing."""
    if context.job.type is JobType.GOLD_ANALYTICS:
        return GoldSqlCounts(read=0, loaded=0, selected=rows, written=rows)
    return GoldCounts(read=represented, written=rows, represented=represented)


def _finish(context: StepContext, result: StepResult, published: ObjectVersion) -> StepResult:
    """Fill in the ETag of what was published, and move the head."""
    config = context.job.destination_config.gold_config
    output = result.outputs[0].model_copy(update={"etag": published.etag})
    head = Head(
        run_id=context.run_id,
        key=output.key,
        etag=output.etag,
        rows=output.rows,
        contract_version=result.contract_version,
        planned_at=context.planned_at,
        table_version=result.table_version or 0,
    )
    strategy = context.job.destination_config.silver_config.merge_strategy
    position = advance_head(
        context.lake,
        keys.gold_head_key(config.domain, context.job.dataset),
        head,
        # Where runs shared a table before, none of its states is later than what a rebuild made of it.
        of_own_tables=context.planned.rebuild is not None and strategy is MergeStrategy.VERSIONED,
    )
    return result.model_copy(update={"outputs": (output,), "head": position})
