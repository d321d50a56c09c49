"""Published tables as the API shows them, by the field names that clients of FlowForge know."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field, JsonValue
from sqlalchemy import RowMapping

from flowforge.metadata.asset_lineage import AssetGraph
from flowforge.metadata.asset_list import AssetNumbers, AssetType, QualityStatus
from flowforge.model.base import Document
from flowforge.model.environment import Environment
from flowforge.model.layer import Layer
from flowforge.model.quality_rule import Severity
from flowforge.model.run_status import JobStatus
from flowforge.web.execution_views import milliseconds


class AssetColumn(Document):
    """A column by its name in the catalog, its type there, and the columns of the parents that it was made of."""

    name: str
    type: str
    origins: list[str] = Field(default_factory=list)


class AssetView(Document):
    """A table. ``rowCount`` and ``fileSize`` (bytes) are of what the table is now; ``filePath`` is where it lies."""

    id: str
    name: str
    table_name: str
    layer: Layer
    environment: Environment
    asset_type: AssetType
    workflow_id: str | None
    workflow_name: str | None
    job_id: str | None
    job_name: str | None
    description: str
    owner: str
    tags: list[str]
    file_path: str
    row_count: int | None
    file_size: int | None
    column_count: int
    parent_tables: list[str]
    quality_status: QualityStatus
    contract_version: int | None
    run_id: str | None
    execution_id: str | None
    planned_at: datetime | None
    updated_at: datetime
    edited_at: datetime | None
    edited_by: str | None
    version: int

    @classmethod
    def fields_of(cls, row: RowMapping) -> dict[str, Any]:
        """The fields of a row of a list."""
        same = (
            *("table_name", "layer", "environment", "workflow_id", "workflow_name", "job_id", "job_name", "description", "owner"),
            *("tags", "row_count", "parent_tables", "contract_version", "run_id", "execution_id", "planned_at"),
            *("edited_at", "edited_by", "version"),
        )
        return {
            **{name: row[name] for name in same},
            "id": str(row["id"]),
            "name": f"{row['layer'].value}.{row['table_name']}",
            "asset_type": AssetType.QUARANTINE if row["layer"] is Layer.QUARANTINE else AssetType.TABLE,
            "file_path": row["location"],
            "file_size": row["size_bytes"],
            "column_count": len(row["columns"]),
            "quality_status": row["quality"],
            "updated_at": row["refreshed_at"],
        }

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        """Show a row of a list."""
        return cls(**cls.fields_of(row))


class AssetStats(Document):
    """How many tables there are in all pages, and what those hold that tell it."""

    total_assets: Annotated[int, Field(alias="total_assets")]
    by_layer: Annotated[dict[Layer, int], Field(alias="by_layer")]
    by_environment: Annotated[dict[Environment, int], Field(alias="by_environment")]
    by_quality: Annotated[dict[QualityStatus, int], Field(alias="by_quality")]
    total_size: Annotated[int, Field(alias="total_size")]
    total_rows: Annotated[int, Field(alias="total_rows")]

    @classmethod
    def of(cls, numbers: AssetNumbers) -> Self:
        """Show the numbers, with a zero for what there is none of."""
        return cls(
            total_assets=numbers.total,
            by_layer={layer: numbers.by_layer[layer] for layer in Layer if layer is not Layer.SOURCE},
            by_environment={environment: numbers.by_environment[environment] for environment in Environment},
            by_quality={status: numbers.by_quality[status] for status in QualityStatus},
            total_size=numbers.size_bytes,
            total_rows=numbers.rows,
        )


class RuleView(Document):
    """A rule that holds now for the rows of a job."""

    workflow_id: str
    job_id: str
    rule: str
    rule_type: str
    column: str
    severity: Severity
    definition: dict[str, JsonValue]

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        """Show a row."""
        same = {name: row[name] for name in ("workflow_id", "job_id", "rule", "severity", "definition")}
        return cls(**same, rule_type=row["type"], column=row["column_name"])


class RuleResultView(Document):
    """What a rule found: ``failed`` rows of ``checked`` (null where every row is held to it). ``passRate`` from 0 to 1."""

    execution_id: str
    job_id: str
    rule: str
    column: str
    severity: Severity
    status: QualityStatus
    failed: int
    checked: int | None
    pass_rate: float | None
    recorded_at: datetime

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        """Show a row."""
        checked, failed = row["checked"], row["failed"]
        broken = {Severity.ERROR: QualityStatus.FAILED, Severity.WARNING: QualityStatus.WARNING}
        return cls(
            **{name: row[name] for name in ("execution_id", "job_id", "rule", "severity", "failed", "checked", "recorded_at")},
            column=row["column_name"],
            status=broken.get(row["severity"], QualityStatus.PASSED) if failed else QualityStatus.PASSED,
            pass_rate=(checked - failed) / checked if checked else None,
        )


class ReconciliationView(Document):
    """What a comparison of two layers found; ``outcome`` has both figures, the difference and the tolerance."""

    execution_id: str
    job_id: str
    rule: str
    passed: bool
    outcome: dict[str, JsonValue]
    recorded_at: datetime

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        """Show a row."""
        return cls(**{name: row[name] for name in cls.model_fields})


class AssetRun(Document):
    """An execution of the table's job; times of the job itself, ``durationMs`` in milliseconds."""

    execution_id: str
    job_id: str
    run_id: str | None
    status: JobStatus
    started_at: datetime | None
    completed_at: datetime | None
    duration_ms: int | None

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        """Show a row."""
        return cls(
            **{name: row[name] for name in ("execution_id", "job_id", "run_id", "status", "started_at")},
            completed_at=row["ended_at"],
            duration_ms=milliseconds(row["started_at"], row["ended_at"]),
        )


class LineageNode(Document):
    """A table, or the landing folder of a job (``layer`` is then source), from which its Bronze is made."""

    id: str
    name: str
    layer: Layer
    environment: Environment
    workflow_id: str | None
    job_id: str | None
    row_count: int | None = None
    file_size: int | None = None


class LineageEdge(Document):
    """Rows go from one node to another, both by their ids."""

    source: str
    target: str


class LineageView(Document):
    """A graph of tables, which may be empty."""

    nodes: list[LineageNode]
    edges: list[LineageEdge]

    @classmethod
    def of(cls, graph: AssetGraph) -> Self:
        """Show a graph, with the landing folders before Bronze."""
        sources = {
            f"landing/{node['workflow_id']}/{node['job_id']}/": node
            for node in graph.nodes
            if node["layer"] is Layer.BRONZE and node["workflow_id"] is not None
        }
        landings = [LineageNode(id=folder, name=folder, layer=Layer.SOURCE, **_of_job(node)) for folder, node in sources.items()]
        tables = [
            LineageNode(
                id=str(node["id"]),
                name=f"{node['layer'].value}.{node['table_name']}",
                layer=node["layer"],
                row_count=node["row_count"],
                file_size=node["size_bytes"],
                **_of_job(node),
            )
            for node in graph.nodes
        ]
        edges = [LineageEdge(source=folder, target=str(node["id"])) for folder, node in sources.items()]
        edges += [LineageEdge(source=str(parent), target=str(child)) for parent, child in graph.edges]
        return cls(nodes=[*landings, *tables], edges=edges)


def _of_job(node: RowMapping) -> dict[str, Any]:
    return {name: node[name] for name in ("environment", "workflow_id", "job_id")}


class AssetDetail(AssetView):
    """A table with its columns, the rules that hold for it, the newest executions of its job, and the tables around it.

    ``schema`` is as the catalog has it. ``quality`` and ``reconciliation`` are of the run that published it last.
    """

    columns: Annotated[list[AssetColumn], Field(alias="schema")]
    rules: list[RuleView]
    executions: list[AssetRun]
    quality: list[RuleResultView]
    reconciliation: list[ReconciliationView]
    lineage: LineageView


def columns_of(row: RowMapping) -> list[AssetColumn]:
    """The columns of a row."""
    return [AssetColumn(name=item["name"], type=item.get("type", ""), origins=item.get("origins", [])) for item in row["columns"]]


def shown_rules(rows: Iterable[RowMapping]) -> list[RuleView]:
    """Show rules."""
    return [RuleView.of(row) for row in rows]


def shown_results(rows: Iterable[RowMapping]) -> list[RuleResultView]:
    """Show what rules found."""
    return [RuleResultView.of(row) for row in rows]


def shown_reconciliations(rows: Iterable[RowMapping]) -> list[ReconciliationView]:
    """Show what comparisons found."""
    return [ReconciliationView.of(row) for row in rows]
