"""Planning an execution by the stored definitions, and taking note that it is planned."""

from flowforge.lake.lake import Lake
from flowforge.metadata.database import Database
from flowforge.model.plan import Plan, PlanRequest
from flowforge.model.run_status import execution_of
from flowforge.orchestration.definitions import definitions_of
from flowforge.orchestration.planning import plan_execution
from flowforge.orchestration.run_recording import record_planned
from flowforge.orchestration.stored_results import finished_steps


def plan_and_record(request: PlanRequest, lake: Lake, database: Database) -> Plan:
    """The plan, made or found; a redrive goes on with that of the execution that it belongs to.

    Raises as ``plan_execution``, and RetryLater where the database is not to be had.
    """
    execution_id, redrive = execution_of(request.execution_id)
    plan = plan_execution(request.model_copy(update={"execution_id": execution_id}), lake, definitions_of(database))
    finished = finished_steps(lake, plan) if redrive else ()
    with database.transaction() as connection:
        record_planned(connection, plan, redrive, request.input.trigger, finished)
    return plan
