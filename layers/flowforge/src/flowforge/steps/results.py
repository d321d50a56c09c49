"""Results under ``runs/``: what makes a step that is asked twice answer the same."""

from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.model.errors import ConfigFault, RetryLater
from flowforge.model.lineage import Lineage
from flowforge.model.step import Step, StepResult
from flowforge.steps.context import StepContext


def read_result(lake: Lake, execution_id: str, job_id: str, step: Step) -> StepResult | None:
    """The stored result of a step, or None where it has not finished."""
    stored = lake.read(keys.result_key(execution_id, job_id, step))
    return StepResult.model_validate_json(stored[0]) if stored else None


def result_before(context: StepContext, step: Step) -> StepResult | None:
    """The result of an earlier step of the same job, read once since it never changes; None where that has not finished."""
    if step not in context.results:
        result = read_result(context.lake, context.plan.execution_id, context.job.id, step)
        if result is None:
            return None
        context.results[step] = result
    return context.results[step]


def require_result(context: StepContext, step: Step) -> StepResult:
    """The result of an earlier step of the same job. Raises ConfigFault where that step has not finished."""
    result = result_before(context, step)
    if result is None:
        raise ConfigFault(f"{context.request.step.value} of {context.job.id} was asked for before {step.value} had finished")
    return result


def read_lineage(lake: Lake, execution_id: str, job_id: str, step: Step) -> Lineage:
    """Where the rows of a step come from; nothing where that was not stored."""
    stored = lake.read(keys.lineage_key(execution_id, job_id, step))
    return Lineage.model_validate_json(stored[0]) if stored else Lineage()


def store_result(lake: Lake, result: StepResult) -> StepResult:
    """Store a result, once: where another attempt was first, its result is the answer. Its lineage goes before it."""
    lineage_key = keys.lineage_key(result.execution_id, result.job_id, result.step)
    lake.overwrite(lineage_key, result.lineage.to_json())
    result = result.model_copy(update={"lineage": Lineage()})
    if lake.write(keys.result_key(result.execution_id, result.job_id, result.step), result.to_json()):
        return result
    stored = read_result(lake, result.execution_id, result.job_id, result.step)
    if stored is None:
        raise RetryLater(f"the result of {result.step.value} of {result.job_id} could not be stored")
    return stored
