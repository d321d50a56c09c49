"""What an execution left under ``runs/``, for those who record its state."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.model.plan import Plan
from flowforge.model.step import Step, StepResult

PARALLEL_READS = 16


def stored_plan(lake: Lake, execution_id: str) -> Plan | None:
    """The plan of an execution; None where it has none."""
    found = lake.read(keys.plan_key(execution_id))
    return Plan.model_validate_json(found[0]) if found else None


def finished_step(lake: Lake, execution_id: str, job_id: str, step: Step) -> StepResult | None:
    """A step's result; None where it has not finished."""
    found = lake.read(keys.result_key(execution_id, job_id, step))
    return StepResult.model_validate_json(found[0]) if found else None


def finished_steps(lake: Lake, plan: Plan) -> Sequence[StepResult]:
    """The results of all steps of a plan that have finished."""
    taken = [(planned.job.id, step) for planned in plan.jobs for step in planned.tiers.chosen()]
    with ThreadPoolExecutor(min(PARALLEL_READS, len(taken) or 1)) as pool:
        found = pool.map(lambda place: finished_step(lake, plan.execution_id, *place), taken)
        return [result for result in found if result is not None]
