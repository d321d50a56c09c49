"""Published tables as lists show them: filtered in the database before they are counted and paged."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    RowMapping,
    Text,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    true,
)

from flowforge.metadata.schema import catalog_assets, jobs, quality_results, reconciliation_results, workflows
from flowforge.model.environment import Environment
from flowforge.model.layer import Layer
from flowforge.model.quality_rule import Severity

MAX_PAGE = 500


class AssetType(StrEnum):
    """What a table holds: rows on their way, or rows and records that were set aside."""

    TABLE = "table"
    QUARANTINE = "quarantine"


class QualityStatus(StrEnum):
    """What the rules and comparisons of a table's last run found; ``unknown`` where there were none.

    ``failed``: a rule of severity error was broken, or a comparison did not agree. ``warning``: rules of severity warning were.
    """

    PASSED = "passed"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class AssetFilter:
    """Which tables; ``search`` is found in name and description, ``tags`` are all there."""

    environments: Sequence[Environment] = ()
    layers: Sequence[Layer] = ()
    workflow_ids: Sequence[str] = ()
    asset_types: Sequence[AssetType] = ()
    quality: Sequence[QualityStatus] = ()
    tags: Sequence[str] = ()
    search: str = ""

    def condition(self) -> ColumnElement[bool]:
        """The filter as a condition, but for quality."""
        c = catalog_assets.c
        parts: list[ColumnElement[bool]] = [true()]
        for column, chosen in ((c.environment, self.environments), (c.layer, self.layers), (c.workflow_id, self.workflow_ids)):
            if chosen:
                parts.append(column.in_(chosen))
        if self.asset_types:
            set_aside = c.layer == Layer.QUARANTINE
            parts.append(or_(*(set_aside if kind is AssetType.QUARANTINE else ~set_aside for kind in self.asset_types)))
        if self.tags:
            parts.append(c.tags.contains(list(self.tags)))
        if self.search:
            parts.append(
                or_(c.table_name.icontains(self.search, autoescape=True), c.description.icontains(self.search, autoescape=True))
            )
        return and_(*parts)


@dataclass(frozen=True)
class AssetNumbers:
    """How many tables there are in all pages, by what they are; rows and bytes of those that tell theirs."""

    by_layer: Counter[Layer] = field(default_factory=Counter)
    by_environment: Counter[Environment] = field(default_factory=Counter)
    by_quality: Counter[QualityStatus] = field(default_factory=Counter)
    size_bytes: int = 0
    rows: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.by_layer.total()


def asset_page(
    connection: Connection, chosen: AssetFilter | None = None, *, limit: int = 50, offset: int = 0
) -> tuple[list[RowMapping], AssetNumbers]:
    """A page by name, with ``quality``, ``workflow_name`` and ``job_name``, and the numbers of all pages: two queries."""
    chosen = chosen or AssetFilter()
    c, quality = catalog_assets.c, _quality()
    judged = catalog_assets.join(quality, true())
    condition = chosen.condition()
    if chosen.quality:
        condition = and_(condition, quality.c.quality.in_([status.value for status in chosen.quality]))
    page = (
        _shown(quality, judged)
        .where(condition)
        .order_by(c.table_name, c.layer, c.environment, c.id)
        .limit(min(limit, MAX_PAGE))
        .offset(offset)
    )
    return list(connection.execute(page).mappings()), _numbers(connection, quality, judged, condition)


def listed_asset(connection: Connection, asset_id: int) -> RowMapping | None:
    """One table as ``asset_page`` shows it; None where there is none."""
    quality = _quality()
    one = _shown(quality, catalog_assets.join(quality, true())).where(catalog_assets.c.id == asset_id)
    return connection.execute(one).mappings().first()


def workflows_of_assets(connection: Connection) -> list[RowMapping]:
    """``id`` and ``name`` of the workflows that have tables, by name: what a list can be filtered by."""
    has_tables = exists().where(catalog_assets.c.workflow_id == workflows.c.id)
    query = select(workflows.c.id, workflows.c.name).where(has_tables).order_by(func.lower(workflows.c.name), workflows.c.id)
    return list(connection.execute(query).mappings())


def _shown(quality: FromClause, judged: FromClause):  # type: ignore[no-untyped-def]
    job = and_(jobs.c.workflow_id == catalog_assets.c.workflow_id, jobs.c.id == catalog_assets.c.job_id)
    named = judged.outerjoin(workflows, workflows.c.id == catalog_assets.c.workflow_id).outerjoin(jobs, job)
    return select(
        catalog_assets, quality.c.quality, workflows.c.name.label("workflow_name"), jobs.c.name.label("job_name")
    ).select_from(named)


def _numbers(connection: Connection, quality: FromClause, judged: FromClause, condition: ColumnElement[bool]) -> AssetNumbers:
    c = catalog_assets.c
    groups = (c.layer, c.environment, quality.c.quality)
    sums = (func.count().label("assets"), func.sum(c.row_count).label("rows"), func.sum(c.size_bytes).label("bytes"))
    layers: Counter[Layer] = Counter()
    environments: Counter[Environment] = Counter()
    qualities: Counter[QualityStatus] = Counter()
    rows = size_bytes = 0
    for row in connection.execute(select(*groups, *sums).select_from(judged).where(condition).group_by(*groups)):
        layers[row.layer] += row.assets
        environments[row.environment] += row.assets
        qualities[QualityStatus(row.quality)] += row.assets
        rows += int(row.rows or 0)
        size_bytes += int(row.bytes or 0)
    return AssetNumbers(layers, environments, qualities, size_bytes, rows)


def _quality() -> FromClause:
    """The status of a table's last run, by the results that are kept of its job and execution."""
    q, r = quality_results.c, reconciliation_results.c
    of_run = (q.execution_id == catalog_assets.c.execution_id) & (q.job_id == catalog_assets.c.job_id)
    compared = (r.execution_id == catalog_assets.c.execution_id) & (r.job_id == catalog_assets.c.job_id)

    def broken(severity: Severity) -> ColumnElement[bool]:
        return func.coalesce(func.bool_or((q.failed > 0) & (q.severity == severity)), False)

    failed = or_(broken(Severity.ERROR), exists().where(compared, ~r.passed).correlate(catalog_assets))
    known = or_(func.count(q.rule) > 0, exists().where(compared).correlate(catalog_assets))
    status = case(
        (failed, literal(QualityStatus.FAILED.value, Text)),
        (broken(Severity.WARNING), literal(QualityStatus.WARNING.value, Text)),
        (known, literal(QualityStatus.PASSED.value, Text)),
        else_=literal(QualityStatus.UNKNOWN.value, Text),
    )
    return select(status.label("quality")).select_from(quality_results).where(of_run).correlate(catalog_assets).lateral("judged")
