"""Silver to Gold: one step of a job."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from flowforge.lake.lake import Lake
from flowforge.model.step import StepRequest
from flowforge.steps.run_step import run_step

logger = Logger(service="gold_publish")
lake = Lake.from_environment()


@logger.inject_lambda_context(correlation_id_path="executionId", clear_state=True)
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Run the step that the request names and answer with its result."""
    result = run_step(StepRequest.model_validate(event), lake)
    logger.info("finished", job_id=result.job_id, counts=result.counts.model_dump(by_alias=True))
    return result.model_dump(mode="json", by_alias=True)
