"""What Gold is made of and how: a copy of Silver, an aggregation of it, or SQL over several Silver tables."""

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_validator

from flowforge.model.aggregate import Aggregate
from flowforge.model.layer import LayerConfig
from flowforge.model.names import RESERVED_PREFIX, Slug, is_pattern
from flowforge.model.row_order import OrderTerm, OrderTerms
from flowforge.model.time_grain import Grain, ZoneName

ROW_COUNT = "_row_count"
"""The number of Silver's rows that a row of an aggregation stands for."""
SNAPSHOT_DATE = "_snapshot_date"
"""The day, in UTC, on which the run of a snapshot was planned."""


class BuildStrategy(StrEnum):
    """How a run makes the dataset.

    ``full_rebuild``: from the whole of its sources. ``incremental``: from the dataset before it and the rows that came since,
    with the result of a full rebuild. ``snapshot``: as ``full_rebuild``, with the day in a column, and every run's object is
    kept to be read beside the others.
    """

    FULL_REBUILD = "full_rebuild"
    INCREMENTAL = "incremental"
    SNAPSHOT = "snapshot"


class MaterializationType(StrEnum):
    """What the dataset is where it lies: rows of its own, which every run renews."""

    TABLE = "table"


def _renewed_by_every_run(value: object) -> object:
    """A materialized view that is refreshed by every run is a table that is built by every run."""
    return MaterializationType.TABLE.value if value == "materialized_view" else value


def _with_its_other_name(schema: dict[str, Any]) -> None:
    """``refreshStrategy`` is another name of ``buildStrategy``, for editors too."""
    schema["properties"]["refreshStrategy"] = schema["properties"]["buildStrategy"]


Materialization = Annotated[
    MaterializationType,
    BeforeValidator(_renewed_by_every_run, json_schema_input_type=MaterializationType | Literal["materialized_view"]),
]
TableAlias = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")]
TableReference = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*/[a-z0-9]+(-[a-z0-9]+)*$")]
"""A Silver table by the slugs of its workflow and its job: ``shop/orders``."""


class GoldConfig(LayerConfig):
    """Options of Gold.

    ``aggregationTimeZone`` is where the days of a timestamp begin and end. ``partitionKeys`` cluster the rows of the
    object: they come before ``orderBy`` in the order of rows. ``sql`` and ``tables`` belong to jobs of type gold-analytics.
    """

    model_config = ConfigDict(json_schema_extra=_with_its_other_name)

    enabled: bool = True
    domain: Slug = "analytics"
    dataset: Slug | None = None
    build_strategy: BuildStrategy = BuildStrategy.FULL_REBUILD
    materialization_type: Materialization = MaterializationType.TABLE
    aggregation_enabled: bool = False
    aggregation_group_by: tuple[str, ...] = ()
    aggregation_time_grain: Grain | None = None
    aggregation_time_column: str | None = None
    aggregation_time_zone: ZoneName = "UTC"
    aggregates: dict[str, str] = Field(default_factory=dict)
    aggregation_order_by: tuple[str, ...] = ()
    order_by: OrderTerms = ()
    partition_keys: tuple[str, ...] = ()
    sql: Annotated[str, Field(min_length=1, max_length=50_000)] | None = None
    tables: dict[TableAlias, TableReference] = Field(default_factory=dict)

    @property
    def parsed_aggregates(self) -> dict[str, Aggregate]:
        """Output name to aggregate, in the order of the configuration."""
        return {name: Aggregate.parse(text) for name, text in self.aggregates.items()}

    @property
    def period_column(self) -> str | None:
        """The output column that holds the first day of each period (Date), or None without a grain."""
        if self.aggregation_time_grain is None:
            return None
        return f"{self.aggregation_time_column}_{self.aggregation_time_grain}"

    @property
    def group_columns(self) -> list[str]:
        """The output columns that tell groups apart: the period, then ``aggregationGroupBy``."""
        period = [self.period_column] if self.period_column else []
        return [*period, *self.aggregation_group_by]

    @property
    def row_order(self) -> list[OrderTerm]:
        """The order of rows that the job states: what clusters them, then what orders them; empty where it states none."""
        clustering = [OrderTerm(name) for name in self.partition_keys]
        return clustering + [term for term in map(OrderTerm.parse, self.order_by) if term.column not in self.partition_keys]

    @model_validator(mode="before")
    @classmethod
    def _refresh_is_build(cls, value: object) -> object:
        """``refreshStrategy`` is another name of ``buildStrategy``."""
        if not isinstance(value, dict) or "refreshStrategy" not in value:
            return value
        rest = {name: given for name, given in value.items() if name != "refreshStrategy"}
        stated = rest.setdefault("buildStrategy", value["refreshStrategy"])
        if stated != value["refreshStrategy"]:
            raise ValueError(f"buildStrategy is {stated!r} and refreshStrategy, its other name, {value['refreshStrategy']!r}")
        return rest

    @field_validator("aggregation_group_by", "partition_keys", "aggregation_order_by")
    @classmethod
    def _columns_are_distinct(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"names a column twice: {', '.join(twice)}")
        patterns = [name for name in names if is_pattern(name)]
        if patterns:
            raise ValueError(f"{patterns[0]!r} is a pattern and no column")
        return names

    @model_validator(mode="after")
    def _aggregation_is_whole(self) -> Self:
        parsed = self.parsed_aggregates
        if (self.aggregation_time_grain is None) != (self.aggregation_time_column is None):
            raise ValueError("aggregationTimeGrain and aggregationTimeColumn go together")
        if self.aggregation_time_zone != "UTC" and self.aggregation_time_grain is None:
            raise ValueError("aggregationTimeZone goes with aggregationTimeGrain")
        if self.aggregation_enabled != bool(self.group_columns or parsed):
            raise ValueError(
                "aggregationEnabled goes with aggregationGroupBy, aggregationTimeGrain or aggregates, and they with it"
            )
        both = sorted(set(parsed) & set(self.group_columns))
        if both:
            raise ValueError(f"aggregates: {', '.join(both)} is also a column that Gold groups by")
        if len(set(self.group_columns)) != len(self.group_columns):
            raise ValueError(f"aggregationGroupBy: {self.period_column} is the column of the periods")
        reserved = sorted(name for name in parsed if name.startswith(RESERVED_PREFIX))
        if reserved:
            raise ValueError(f"aggregates: {', '.join(reserved)}: names that start with '_' belong to the product")
        ordered = [aggregate for aggregate in parsed.values() if aggregate.function in ("first", "last")]
        if self.aggregation_order_by and not ordered:
            raise ValueError(
                "aggregationOrderBy says which value is the first and which the last: it goes with first() or last()"
            )
        return self

    @model_validator(mode="after")
    def _order_names_columns_of_the_result(self) -> Self:
        if not self.aggregation_enabled:
            return self
        known = {*self.group_columns, *self.aggregates, ROW_COUNT}
        for option, names in (
            ("partitionKeys", self.partition_keys),
            ("orderBy", [OrderTerm.parse(text).column for text in self.order_by]),
        ):
            unknown = sorted(set(names) - known)
            if unknown:
                raise ValueError(
                    f"{option}: the aggregation has no column {', '.join(unknown)}; it has {', '.join(sorted(known))}"
                )
        return self

    @model_validator(mode="after")
    def _sql_stands_alone(self) -> Self:
        if (self.sql is None) != (not self.tables):
            raise ValueError("sql and tables go together: tables names each Silver table that the statement reads")
        if self.sql is not None and self.aggregation_enabled:
            raise ValueError("sql: the statement groups by itself; leave the options of the aggregation out")
        return self

    @model_validator(mode="after")
    def _increments_are_groups(self) -> Self:
        if self.build_strategy is BuildStrategy.INCREMENTAL and not self.aggregation_enabled:
            raise ValueError(
                "buildStrategy 'incremental' adds rows to groups, so it needs an aggregation; every row of a copy, or of a "
                "statement, is written anew by each run: use full_rebuild"
            )
        return self
