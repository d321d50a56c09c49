"""Plans an execution: the first state of the state machine."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from flowforge.lake.lake import Lake
from flowforge.metadata.database import Database
from flowforge.model.plan import PlanRequest
from flowforge.orchestration.plan_recording import plan_and_record
from flowforge.orchestration.planning import plan_response

logger = Logger(service="plan_execution")
lake = Lake.from_environment()
database = Database.from_environment()


@logger.inject_lambda_context(correlation_id_path="executionId", clear_state=True)
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Store the plan of the execution and answer with its key and the jobs by order group."""
    response = plan_response(plan_and_record(PlanRequest.model_validate(event), lake, database))
    logger.info("planned", plan_key=response.plan_key, groups=len(response.groups))
    return response.model_dump(mode="json", by_alias=True)
