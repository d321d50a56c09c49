"""The API behind the load balancer, which sends one event for each request."""

import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from flowforge.lake.lake import Lake
from flowforge.metadata.database import Database
from flowforge.orchestration.run_door import RunDoor
from flowforge.web.deployment import Deployment, correlation_of, function_of

logger = Logger(service="web")
deployment = Deployment.from_environment(os.environ)
database = Database.from_environment()
answer = function_of(deployment.services(database, Lake.from_environment(), RunDoor.from_environment(database)))


@logger.inject_lambda_context(clear_state=True)
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request. Neither its body nor its headers reach the log, for there are tokens in them."""
    logger.set_correlation_id(correlation_of(event))
    answered = answer(event, context)
    logger.info("answered", method=event.get("httpMethod"), path=event.get("path"), status=answered["statusCode"])
    return answered
