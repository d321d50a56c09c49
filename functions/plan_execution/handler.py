"""Plans an execution: the first state of the state machine."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from flowforge.lake.lake import Lake
from flowforge.model.plan import PlanRequest
from flowforge.orchestration.planning import plan_execution

logger = Logger(service="plan_execution")
lake = Lake.from_environment()


@logger.inject_lambda_context(correlation_id_path="executionId", clear_state=True)
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Store the plan of the execution and answer with its key and the jobs by order group."""
    response = plan_execution(PlanRequest.model_validate(event), lake)
    logger.info("planned", plan_key=response.plan_key, groups=len(response.groups))
    return response.model_dump(mode="json", by_alias=True)
