"""gold_publish: the run's Silver, copied or aggregated, becomes the published dataset."""

import polars as pl

from flowforge.lake import keys
from flowforge.lake.heads import Head, advance_head
from flowforge.lake.lake import ObjectVersion
from flowforge.lake.publish import ATTEMPT_ID, RUN_ID, TABLE_VERSION
from flowforge.medallion.gold import gold_frame, represented_rows
from flowforge.model.contract import Contract, Type
from flowforge.model.silver_config import MergeStrategy
from flowforge.model.step import GoldCounts, PublishedObject, Step, StepResult
from flowforge.steps.attempt import Attempt, prepared_result, require_equations, scan
from flowforge.steps.context import CONTRACT_VERSION_METADATA, StepContext
from flowforge.steps.engine_errors import engine_errors
from flowforge.steps.results import require_result
from flowforge.steps.silver_identity import parquet_metadata
from flowforge.steps.silver_reader import silver_rows
from flowforge.steps.stable_read import stable_read


def gold_publish(context: StepContext, attempt: Attempt) -> StepResult:
    """Read the Silver table as it is now, and publish what it gives.

    Raises ConfigFault where an aggregate does not fit its column, CommitConflict where the table changed meanwhile.
    """
    config = context.job.destination_config.gold_config
    key = keys.gold_key(config.domain, context.job.dataset, context.planned_at, context.run_id)
    earlier = context.lake.head(key)
    if earlier is not None and earlier.metadata.get(RUN_ID) == context.run_id:
        return _finish(context, _answer_of(context, earlier))
    silver = require_result(context, Step.SILVER_TRANSFORM)
    table = silver_rows(context, silver)
    with engine_errors(f"{context.job.name}: Silver could not be published"):
        with stable_read(table.name, table.unchanged):
            source = table.frame()
            read = source.select(pl.len()).collect().item()
            frame = gold_frame(source, config, undetermined=_undetermined(source, table.contract))
            written = attempt.write(frame, "gold.parquet", metadata=context.metadata("gold", table.contract))
        represented = represented_rows(scan(context.lake, written.version.key), config).collect().item()
    counts = GoldCounts(read=read, written=written.rows, represented=int(represented))
    require_equations(counts.broken_equations(), "gold_publish")
    output = PublishedObject(role="gold", key=key, etag="", rows=written.rows, size_bytes=written.version.size_bytes)
    result = context.result(counts, [output], read_bytes=table.size_bytes, contract=table.contract, table_version=table.version)
    attempt.prepare(result)
    published = attempt.publish(written, key, table_version=table.version)
    if published.attempt_id != attempt.id:
        result = _answer_of(context, published.version)
    return _finish(context, result)


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
        GoldCounts(read=represented, written=rows, represented=represented),
        [output],
        read_bytes=0,
        table_version=int(version) if version else None,
    )
    return result.model_copy(update={"contract_version": int(contract_version) if contract_version else None})


def _undetermined(source: pl.LazyFrame, contract: Contract | None) -> list[str]:
    """The columns of Silver in which no value was ever seen."""
    if contract is None:
        return [name for name, dtype in source.collect_schema().items() if dtype == pl.String]
    return [column.name for column in contract.columns if column.data_type.type is Type.UNDETERMINED]


def _finish(context: StepContext, result: StepResult) -> StepResult:
    """Fill in the ETag and move the head."""
    config = context.job.destination_config.gold_config
    output = result.outputs[0]
    version = context.lake.head(output.key)
    output = output.model_copy(update={"etag": version.etag if version else ""})
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
