"""One path for every tier: Lambda, Fargate and the laptop all call ``run_step``."""

from collections.abc import Callable

from flowforge.lake.lake import Lake
from flowforge.medallion.engine_settings import apply_engine_settings
from flowforge.model.errors import ConfigFault, DataFault, FlowForgeError
from flowforge.model.plan import Plan
from flowforge.model.step import Step, StepRequest, StepResult
from flowforge.steps.attempt import Attempt
from flowforge.steps.bronze_ingest import bronze_ingest
from flowforge.steps.catalog_registration import register
from flowforge.steps.context import StepContext
from flowforge.steps.failures import failure_of, store_failure
from flowforge.steps.gold_publish import gold_publish
from flowforge.steps.lineage import with_lineage
from flowforge.steps.results import read_result, store_result
from flowforge.steps.silver_transform import silver_transform

STEPS: dict[Step, Callable[[StepContext, Attempt], StepResult]] = {
    Step.BRONZE_INGEST: bronze_ingest,
    Step.SILVER_TRANSFORM: silver_transform,
    Step.GOLD_PUBLISH: gold_publish,
}


def run_step(request: StepRequest, lake: Lake) -> StepResult:
    """Run one step of one job and store its result; a step that has finished answers with the stored one.

    Raises one of the six errors of ``flowforge.model.errors``; then no table has changed, or a repetition completes it.
    """
    apply_engine_settings()
    plan = read_plan(lake, request.plan_key)
    stored = read_result(lake, plan.execution_id, request.job_id, request.step)
    if stored is not None:
        return stored
    context = StepContext(lake=lake, request=request, plan=plan, planned=plan.job(request.job_id))
    attempt = Attempt(lake, context.run_id, context.compression)
    try:
        result = with_lineage(context, STEPS[request.step](context, attempt))
    except (DataFault, ConfigFault) as fault:
        _tell_where(lake, request, fault)
        raise
    register(context, result)
    stored = store_result(lake, result)
    attempt.discard()
    return stored


def _tell_where(lake: Lake, request: StepRequest, fault: FlowForgeError) -> None:
    """Store the file, the row and the field of a fault, which a function's answer has no place for."""
    try:
        store_failure(lake, failure_of(request, fault))
    except FlowForgeError as unstored:
        fault.add_note(f"where it is could not be stored: {unstored}")


def read_plan(lake: Lake, key: str) -> Plan:
    """The plan under a key. Raises ConfigFault where there is none."""
    stored = lake.read(key)
    if stored is None:
        raise ConfigFault(f"there is no plan under {key}", option="planKey")
    return Plan.model_validate_json(stored[0])
