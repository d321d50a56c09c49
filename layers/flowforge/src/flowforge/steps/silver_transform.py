"""silver_transform: the run's Bronze, typed, checked and unique, becomes the table or part of it."""

from collections.abc import Sequence
from dataclasses import replace

from flowforge.lake.contracts import settle_contract
from flowforge.medallion.engine_settings import few_rows_at_once
from flowforge.medallion.expression_types import TypeMismatchError
from flowforge.medallion.lookups import References
from flowforge.model.contract import Contract, ContractColumn
from flowforge.model.errors import ConfigFault, DataFault
from flowforge.model.step import Step, StepResult
from flowforge.steps.attempt import Attempt
from flowforge.steps.bronze_reader import RunBronze, run_bronze
from flowforge.steps.context import StepContext
from flowforge.steps.engine_errors import engine_errors
from flowforge.steps.error_limits import require_few_errors
from flowforge.steps.judged_rows import JudgedRows, judge, notes_of_outcomes
from flowforge.steps.rebuild import rebuilt_table, rebuilt_work
from flowforge.steps.results import require_result
from flowforge.steps.run_rows import SilverWork
from flowforge.steps.silver_commit import commit, finish, published_before
from flowforge.steps.silver_contract import NeededContract
from flowforge.steps.silver_identity import require_same_strategy
from flowforge.steps.silver_table import SilverTable, rebuilt, silver_table
from flowforge.steps.table_references import table_references


def silver_transform(context: StepContext, attempt: Attempt) -> StepResult:
    """Type, look up, filter, deduplicate, check, set aside, and publish by the job's strategy.

    Raises ConfigFault where the job does not fit the data's types or the table needs a rebuild, DataFault where more rows are
    bad than the job allows, CommitConflict where another run changed the table meanwhile.
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
        try:
            with few_rows_at_once():
                works = _transform(context, attempt, _bronze(context, bronze))
        except TypeMismatchError as error:
            raise ConfigFault(f"{context.job.name}: {error}", option=str(error).partition(":")[0]) from error
        work = works[0] if runs is None else rebuilt_work(context, attempt, works)
    _require_bronze(context, bronze)
    notes = [*work.notes, *notes_of_outcomes(work.rules, work.rows.columns)]
    work = replace(work, notes=notes, read_bytes=sum(output.size_bytes for output in bronze.outputs_of("bronze")))

    def make_table() -> SilverTable:
        with engine_errors(f"{context.job.name}: the Silver table could not be written"):
            if runs is None:
                return silver_table(context, attempt, work.rows)
            return rebuilt(context, rebuilt_table(context, attempt, work.rows, runs))

    return commit(context, attempt, work, make_table)


def _bronze(context: StepContext, result: StepResult) -> list[RunBronze]:
    """The Bronze of the run, or, in a rebuild, that of each run, one after the other."""
    runs = context.planned.rebuild
    if runs is None:
        return [run_bronze(context.lake, context.run_id, [output.key for output in result.outputs_of("bronze")])]
    return [run_bronze(context.lake, run.run_id, run.objects, suffix=f"_{number:06}") for number, run in enumerate(runs, start=1)]


def _transform(context: StepContext, attempt: Attempt, bronze: Sequence[RunBronze]) -> list[SilverWork]:
    """The rows of each run, judged and written: those that are accepted, and those that are set aside."""
    references = table_references(context, attempt)
    needed = NeededContract(context, bronze, references)
    contract, judged = _settle(context, attempt, bronze, references, needed)
    return [item.write(context, attempt, contract, needed.notes if item.bronze.count else ()) for item in judged]


def _settle(
    context: StepContext, attempt: Attempt, bronze: Sequence[RunBronze], references: References, needed: NeededContract
) -> tuple[Contract | None, list[JudgedRows]]:
    """The rows, judged, and the contract that they are written by, which is stored once they are found good enough.

    Without rows none is stored, and the columns are as much as is known of them.
    """
    judged: list[JudgedRows] = []

    def judge_all(current: Contract | None) -> tuple[ContractColumn, ...]:
        columns = needed.columns(current)
        judged.clear()
        for run in bronze:
            judged.append(judge(context, run, columns, references))
            require_few_errors(context, attempt, judged[-1])
        return columns

    present = needed.present()
    if not any(run.count for run in bronze):
        judge_all(present)
        return present, judged
    workflow_id, job_id = context.plan.workflow_id, context.job.id
    contract = settle_contract(context.lake, workflow_id, job_id, start=present, derive=judge_all, run_id=context.run_id)
    return contract, judged


def _require_bronze(context: StepContext, bronze: StepResult) -> None:
    """Raise DataFault where the run's Bronze is not what bronze_ingest published; nothing of ours replaces it."""
    for output in bronze.outputs_of("bronze"):
        version = context.lake.head(output.key)
        if version is None or version.etag != output.etag:
            raise DataFault(f"{output.key} was replaced or removed after it was published; start a new run", file=output.key)
