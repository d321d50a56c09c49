"""Takes the database to the revision of a release, before the functions of the release are put in place."""

import os
from dataclasses import replace
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from flowforge.metadata.database import Database
from flowforge.metadata.database_settings import DatabaseSettings
from flowforge.metadata.stack_revision import REQUEST_TYPE, UPGRADE_CONNECTIONS, answer_to_stack, carry_out

logger = Logger(service="upgrade_database")
settings = replace(DatabaseSettings.from_environment(os.environ), pool_size=UPGRADE_CONNECTIONS)
# A statement of a migration may take as long as the function has.
database = Database(settings, socket_seconds=None)


@logger.inject_lambda_context(clear_state=True)
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Do what CloudFormation, or a person with ``{"command": "check"}``, asks of the database, and say what it came to."""
    if REQUEST_TYPE not in event:
        outcome = carry_out(database, event)
        logger.info("done", **outcome)
        return outcome
    logger.set_correlation_id(event["RequestId"])
    outcome = answer_to_stack(database, event)
    logger.info("told the stack", **outcome)
    return outcome
