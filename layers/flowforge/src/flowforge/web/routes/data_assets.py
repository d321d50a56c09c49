"""Data assets: the tables that jobs publish, what people wrote of them, their rows, and where these come from."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import Field
from sqlalchemy import Connection, RowMapping

from flowforge.metadata.asset_lineage import asset_graph
from flowforge.metadata.asset_list import AssetFilter, AssetType, QualityStatus, asset_page, listed_asset, workflows_of_assets
from flowforge.metadata.asset_runs import quality_of_job, reconciliations_of_job, runs_of_job
from flowforge.metadata.catalog_assets import edit
from flowforge.metadata.quality_rules import active_rules
from flowforge.metadata.refusals import NotThere
from flowforge.model.base import Document
from flowforge.model.environment import Environment
from flowforge.model.layer import Layer
from flowforge.web.access import Operator, Viewer
from flowforge.web.asset_sample import AssetSample, read_sample, table_of
from flowforge.web.asset_views import (
    AssetDetail,
    AssetRun,
    AssetStats,
    AssetView,
    LineageView,
    ReconciliationView,
    RuleResultView,
    RuleView,
    columns_of,
    shown_reconciliations,
    shown_results,
    shown_rules,
)
from flowforge.web.paging import Paged
from flowforge.web.services import Used
from flowforge.web.versions import tell, version_of

router = APIRouter(prefix="/api/data-assets", tags=["data assets"])
LARGEST_ID = 2**63 - 1
AssetId = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Tag = Annotated[str, Field(min_length=1, max_length=100)]
NEWEST = 10


class WorkflowChoice(Document):
    """A workflow that a list can be filtered by."""

    id: str
    name: str


class AssetList(Document):
    """A page of tables by name; ``stats`` counts those of all pages, ``workflows`` are all that have tables."""

    assets: list[AssetView]
    workflows: list[WorkflowChoice]
    stats: AssetStats
    pagination: dict[str, int]


class AssetChange(Document):
    """What people write of a table; what is left out stays."""

    description: Annotated[str | None, Field(max_length=10_000)] = None
    owner: Annotated[str | None, Field(max_length=200)] = None
    tags: Annotated[list[Tag] | None, Field(max_length=100)] = None


class AssetLineage(Document):
    """The tables around one, as far as they reach."""

    lineage: LineageView


class AssetQuality(Document):
    """The rules that hold now, and what they and the comparisons found in the newest executions, newest first."""

    rules: list[RuleView]
    results: list[RuleResultView]
    reconciliation: list[ReconciliationView]


@router.get("/list")
def list_assets(
    services: Used,
    _caller: Viewer,
    page: Paged,
    *,
    layers: Annotated[list[Layer] | None, Query()] = None,
    environments: Annotated[list[Environment] | None, Query()] = None,
    workflow_ids: Annotated[list[str] | None, Query(alias="workflowIds")] = None,
    asset_types: Annotated[list[AssetType] | None, Query(alias="assetTypes")] = None,
    quality_status: Annotated[list[QualityStatus] | None, Query(alias="qualityStatus")] = None,
    tags: Annotated[list[str] | None, Query()] = None,
    search: Annotated[str, Query(max_length=200)] = "",
) -> AssetList:
    """The tables by what one looks for. Several values of a filter mean any of them, several tags all of them."""
    chosen = AssetFilter(
        environments or (), layers or (), workflow_ids or (), asset_types or (), quality_status or (), tags or (), search
    )
    with services.transaction() as connection:
        found, numbers = asset_page(connection, chosen, limit=page.limit, offset=page.offset)
        choices = workflows_of_assets(connection)
    return AssetList(
        assets=[AssetView.of(row) for row in found],
        workflows=[WorkflowChoice(id=row["id"], name=row["name"]) for row in choices],
        stats=AssetStats.of(numbers),
        pagination=page.told(numbers.total),
    )


@router.get("/lineage")
def read_lineage(
    services: Used, _caller: Viewer, asset_id: Annotated[int, Query(alias="assetId", ge=1, le=LARGEST_ID)]
) -> AssetLineage:
    """Everything that a table was made of, and everything that was made of it."""
    with services.transaction() as connection:
        _known(connection, asset_id)
        graph = asset_graph(connection, asset_id)
    return AssetLineage(lineage=LineageView.of(graph))


@router.get("/{asset_id}")
def read_one(services: Used, _caller: Viewer, asset_id: AssetId, response: Response) -> AssetDetail:
    """A table in full, and its ETag for a change."""
    with services.transaction() as connection:
        row = _known(connection, asset_id)
        shown = _detail(connection, row)
    tell(response, row["version"])
    return shown


@router.patch("/{asset_id}")
def change_one(
    services: Used,
    caller: Operator,
    asset_id: AssetId,
    given: AssetChange,
    version: Annotated[int, Depends(version_of)],
    response: Response,
) -> AssetDetail:
    """Write what people know of a table; no run takes it back."""
    tags = None if given.tags is None else list(dict.fromkeys(given.tags))
    with services.transaction() as connection:
        edit(
            connection,
            caller.actor,
            asset_id,
            version=version,
            description=given.description,
            owner=given.owner,
            tags=tags,
        )
        row = _known(connection, asset_id)
        shown = _detail(connection, row)
    tell(response, row["version"])
    return shown


@router.get("/{asset_id}/sample")
def read_rows(
    services: Used, _caller: Viewer, asset_id: AssetId, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> AssetSample:
    """The first rows of what the table is now: of a table of runs, those of the run that it shows."""
    with services.transaction() as connection:
        table, workflow_slug, job_slug = table_of(connection, _known(connection, asset_id))
    # The lake is read without holding a connection.
    return read_sample(services.lake, table, workflow_slug, job_slug, rows=limit)


@router.get("/{asset_id}/quality")
def read_quality(
    services: Used, _caller: Viewer, asset_id: AssetId, limit: Annotated[int, Query(ge=1, le=100)] = NEWEST
) -> AssetQuality:
    """The rules of a table's job, and what they found in its newest executions."""
    with services.transaction() as connection:
        row = _known(connection, asset_id)
        if row["job_id"] is None:
            return AssetQuality(rules=[], results=[], reconciliation=[])
        job_id = row["job_id"]
        newest = [run["execution_id"] for run in runs_of_job(connection, row["workflow_id"], job_id, limit=limit)]
        return AssetQuality(
            rules=shown_rules(active_rules(connection, row["workflow_id"], job_id)),
            results=shown_results(quality_of_job(connection, job_id, newest)),
            reconciliation=shown_reconciliations(reconciliations_of_job(connection, job_id, newest)),
        )


def _known(connection: Connection, asset_id: int) -> RowMapping:
    row = listed_asset(connection, asset_id)
    if row is None:
        raise NotThere(f"there is no asset {asset_id}", option="assetId")
    return row


def _detail(connection: Connection, row: RowMapping) -> AssetDetail:
    workflow_id, job_id = row["workflow_id"], row["job_id"]
    last = [row["execution_id"]] if row["execution_id"] is not None else []
    return AssetDetail(
        **AssetView.fields_of(row),
        columns=columns_of(row),
        rules=shown_rules(active_rules(connection, workflow_id, job_id)) if job_id else [],
        executions=[AssetRun.of(run) for run in runs_of_job(connection, workflow_id, job_id, limit=NEWEST)] if job_id else [],
        quality=shown_results(quality_of_job(connection, job_id, last)) if job_id else [],
        reconciliation=shown_reconciliations(reconciliations_of_job(connection, job_id, last)) if job_id else [],
        lineage=LineageView.of(asset_graph(connection, row["id"])),
    )
