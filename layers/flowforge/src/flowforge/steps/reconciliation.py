"""The gate before Gold: every rule of the job compares two layers, and where one disagrees nothing is published."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from flowforge.lake import keys
from flowforge.lake.contracts import read_contract
from flowforge.lake.heads import read_head
from flowforge.medallion.duplicates import POSITION
from flowforge.medallion.reconciliation import compared, figure
from flowforge.medallion.staging import typed_sources
from flowforge.model.errors import ConfigFault, DataFault
from flowforge.model.gold import ROW_COUNT
from flowforge.model.layer import Layer
from flowforge.model.plan import JobPlan
from flowforge.model.reconciliation import (
    Check,
    ReconciliationOutcome,
    ReconciliationRecord,
    ReconciliationRule,
    ReconciliationTerm,
)
from flowforge.model.step import Step, StepResult
from flowforge.steps.attempt import scan
from flowforge.steps.context import StepContext
from flowforge.steps.results import read_result
from flowforge.steps.stable_read import stable_object
from flowforge.steps.table_reader import stage_table

OPTION = "validationConfig.reconciliationRules"


@dataclass(frozen=True)
class OwnLayers:
    """The layers of the job at hand as the run has them: Silver as it was read (None: it has none), Gold as it was written."""

    silver: Callable[[], pl.LazyFrame] | None
    gold: Callable[[], pl.LazyFrame]


def reconcile(context: StepContext, own: OwnLayers) -> tuple[ReconciliationOutcome, ...]:
    """Compare by every rule of the job, and keep the terms under ``runs/``.

    Raises DataFault that names both figures of each rule that failed, ConfigFault where a term cannot be taken.
    """
    rules = context.job.validation_config.reconciliation_rules
    if not rules:
        return ()
    terms = _Terms(context, own)
    outcomes = tuple(compared(rule, terms.left(rule), terms.right(rule)) for rule in rules)
    record = ReconciliationRecord(
        execution_id=context.plan.execution_id, job_id=context.job.id, run_id=context.run_id, outcomes=outcomes
    )
    key = keys.reconciliation_key(context.plan.execution_id, context.job.id)
    context.lake.overwrite(key, record.to_json())
    failed = [_told(outcome) for outcome in outcomes if not outcome.passed]
    if failed:
        raise DataFault(f"{context.job.name}: reconciliation failed, so Gold was not published ({key}): {'; '.join(failed)}")
    return outcomes


def stored_outcomes(context: StepContext) -> tuple[ReconciliationOutcome, ...]:
    """What the comparisons of this run found, as they were kept."""
    stored = context.lake.read(keys.reconciliation_key(context.plan.execution_id, context.job.id))
    return ReconciliationRecord.model_validate_json(stored[0]).outcomes if stored else ()


def _told(outcome: ReconciliationOutcome) -> str:
    left, right = (f"{term.layer} of {term.job_id}: {term.value}" for term in (outcome.left, outcome.right))
    far = f" (difference {outcome.difference}, tolerance {outcome.tolerance})" if outcome.difference is not None else ""
    return f"{outcome.rule} ({outcome.check}): {left}, {right}{far}"


class _Terms:
    """Takes each figure once, whichever rules ask for it."""

    def __init__(self, context: StepContext, own: OwnLayers) -> None:
        self._context = context
        self._own = own
        self._taken: dict[tuple[str, Layer, Check, tuple[str, ...]], ReconciliationTerm] = {}

    def left(self, rule: ReconciliationRule) -> ReconciliationTerm:
        """The rule's source."""
        return self._term(rule.source_job, rule.source_layer, rule.figure, rule.reconciliation_column)

    def right(self, rule: ReconciliationRule) -> ReconciliationTerm:
        """The rule's target."""
        return self._term(rule.target_job, rule.target_layer, rule.figure, rule.columns_of_target)

    def _term(self, job_id: str | None, layer: Layer, check: Check, columns: tuple[str, ...]) -> ReconciliationTerm:
        planned = self._context.plan.job(job_id or self._context.job.id)
        place = (planned.job.id, layer, check, columns)
        if place not in self._taken:
            value = _LAYERS[layer](self, planned, check, columns)
            self._taken[place] = ReconciliationTerm(job_id=planned.job.id, layer=layer, columns=columns, value=value)
        return self._taken[place]

    def _of_source(self, planned: JobPlan, _: Check, __: tuple[str, ...]) -> str:
        return str(self._result(planned, Step.BRONZE_INGEST, Layer.SOURCE).counts.read)

    def _of_bronze(self, planned: JobPlan, check: Check, columns: tuple[str, ...]) -> str:
        outputs = self._result(planned, Step.BRONZE_INGEST, Layer.BRONZE).outputs_of("bronze")
        for output in outputs:
            version = self._context.lake.head(output.key)
            if version is None or version.etag != output.etag:
                raise DataFault(f"{output.key} was replaced or removed after it was published", file=output.key)
        frame = scan(self._context.lake, *(output.key for output in outputs), position=POSITION)
        if check is not Check.COUNT:
            frame = self._typed(planned, frame)
        return figure(frame, check, columns, where=f"bronze of {planned.job.id}")

    def _typed(self, planned: JobPlan, bronze: pl.LazyFrame) -> pl.LazyFrame:
        """Bronze in the types and under the names of its contract, every row of it; a cell that does not fit is null."""
        silver = self._result(planned, Step.SILVER_TRANSFORM, Layer.BRONZE)
        workflow_id, version = self._context.plan.workflow_id, silver.contract_version
        contract = read_contract(self._context.lake, workflow_id, planned.job.id, version) if version else None
        if contract is None:
            return bronze
        return typed_sources(bronze, contract.columns, planned.job)

    def _of_silver(self, planned: JobPlan, check: Check, columns: tuple[str, ...]) -> str:
        where = f"silver of {planned.job.id}"
        if planned.job.id == self._context.job.id and self._own.silver is not None:
            return figure(self._own.silver(), check, columns, where=where)
        table = stage_table(self._context.lake, f"{self._context.plan.workflow_slug}/{planned.job.slug}")
        with table.stable():
            return figure(table.frame(), check, columns, where=where)

    def _of_gold(self, planned: JobPlan, check: Check, columns: tuple[str, ...]) -> str:
        where = f"gold of {planned.job.id}"
        if planned.job.id == self._context.job.id:
            return _figure_of_gold(self._own.gold(), planned, check, columns, where=where)
        config = planned.job.destination_config.gold_config
        lake, head_key = self._context.lake, keys.gold_head_key(config.domain, planned.job.dataset)
        head = read_head(lake, head_key)
        present = lake.head(head.key) if head else None
        if head is None or present is None or present.etag != head.etag:
            raise DataFault(f"{where} is not there: {head_key} names no object that is as it was published", file=head_key)
        with stable_object(lake, present):
            return _figure_of_gold(scan(lake, head.key), planned, check, columns, where=where)

    def _result(self, planned: JobPlan, step: Step, layer: Layer) -> StepResult:
        result = read_result(self._context.lake, self._context.plan.execution_id, planned.job.id, step)
        if result is None:
            raise ConfigFault(f"{layer} of {planned.job.id} has nothing to compare: {step} left no result", option=OPTION)
        return result


def _figure_of_gold(frame: pl.LazyFrame, planned: JobPlan, check: Check, columns: tuple[str, ...], *, where: str) -> str:
    """The rows of an aggregation count as many rows as they stand for."""
    if check is Check.COUNT and planned.job.destination_config.gold_config.aggregation_enabled:
        return figure(frame, Check.SUM, (ROW_COUNT,), where=where)
    return figure(frame, check, columns, where=where)


_LAYERS: Mapping[Layer, Callable[[_Terms, JobPlan, Check, tuple[str, ...]], str]] = {
    Layer.SOURCE: _Terms._of_source,
    Layer.BRONZE: _Terms._of_bronze,
    Layer.SILVER: _Terms._of_silver,
    Layer.GOLD: _Terms._of_gold,
}
