"""Rules of quality across workflows, and what rules and comparisons found in an execution."""

from typing import Annotated

from fastapi import APIRouter, Query

from flowforge.metadata.execution_list import is_recorded
from flowforge.metadata.quality_results import quality_of, reconciliations_of
from flowforge.metadata.quality_rules import rule_page
from flowforge.metadata.refusals import NotThere
from flowforge.model.base import Document
from flowforge.web.access import Viewer
from flowforge.web.asset_views import (
    ReconciliationView,
    RuleResultView,
    RuleView,
    shown_reconciliations,
    shown_results,
    shown_rules,
)
from flowforge.web.paging import Paged
from flowforge.web.services import Used

router = APIRouter(tags=["quality"])


class RuleList(Document):
    """A page of rules by workflow, job and name."""

    rules: list[RuleView]
    pagination: dict[str, int]


class ExecutionQuality(Document):
    """What the rules and the comparisons of an execution's jobs found."""

    execution_id: str
    results: list[RuleResultView]
    reconciliation: list[ReconciliationView]


@router.get("/api/quality/rules")
def list_rules(
    services: Used,
    _caller: Viewer,
    page: Paged,
    workflow_id: Annotated[str | None, Query(alias="workflowId")] = None,
    job_id: Annotated[str | None, Query(alias="jobId")] = None,
) -> RuleList:
    """The rules that hold now. A job states its rules in its ``validationConfig``."""
    with services.transaction() as connection:
        found, total = rule_page(connection, workflow_id, job_id, limit=page.limit, offset=page.offset)
    return RuleList(rules=shown_rules(found), pagination=page.told(total))


@router.get("/api/executions/{execution_id}/quality")
def read_quality(services: Used, _caller: Viewer, execution_id: str) -> ExecutionQuality:
    """What rules and comparisons found in an execution."""
    with services.transaction() as connection:
        if not is_recorded(connection, execution_id):
            raise NotThere(f"there is no execution {execution_id}", option="executionId")
        results, compared = quality_of(connection, execution_id), reconciliations_of(connection, execution_id)
    return ExecutionQuality(
        execution_id=execution_id, results=shown_results(results), reconciliation=shown_reconciliations(compared)
    )
