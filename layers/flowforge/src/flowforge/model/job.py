"""A job: one source read into Bronze, then Silver, then Gold. Field names are those that users of FlowForge know.

What this version does not do is not in these models, so it is refused when a workflow is read, with the field's name.
"""

import fnmatch
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from flowforge.model.aggregate import Aggregate
from flowforge.model.base import Document
from flowforge.model.contract import DataType
from flowforge.model.slug import MAX_SLUG_LENGTH, slugify
from flowforge.model.tier import PinnedTier

AUDIT_COLUMNS = ("_ingested_at", "_source_file", "_row_number", "_run_id")
RESERVED_PREFIX = "_"
RESERVED_NAMES = (*AUDIT_COLUMNS, "_position", "_failed_rules", "_reason", "_row_count")
Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=MAX_SLUG_LENGTH)]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,80}$")]
OneCharacter = Annotated[str, Field(min_length=1, max_length=1)]


class FileConfig(Document):
    """How the job's files are found below its landing prefix and read."""

    file_pattern: str = "*"
    encoding: Literal["utf-8"] = "utf-8"
    delimiter: OneCharacter = ","
    has_header: Literal[True] = True
    null_values: tuple[str, ...] = ()

    @field_validator("delimiter")
    @classmethod
    def _one_byte(cls, delimiter: str) -> str:
        if not delimiter.isascii() or delimiter in '"\r\n\0':
            raise ValueError(f"the delimiter {delimiter!r} must be one ASCII character other than a quote or a line end")
        return delimiter

    def wants(self, name: str) -> bool:
        """Whether what lies below the landing prefix is a file of the job: what folders hold, and their markers, is not."""
        return bool(name) and "/" not in name and fnmatch.fnmatchcase(name, self.file_pattern)


class SourceConfig(Document):
    """What the job reads."""

    type: Literal["csv"] = "csv"
    file_config: FileConfig = FileConfig()


class Transformation(Document):
    """A change to the text of a column before it is cast."""

    type: Literal["trim"]


class ColumnMapping(Document):
    """A column's name in Silver, its declared type, and the transformations before the cast."""

    source_column: str
    target_column: str | None = None
    data_type: str | None = None
    format: str | None = None
    thousands_separator: OneCharacter | None = None
    transformations: tuple[Transformation, ...] = ()

    @property
    def name(self) -> str:
        """The column's name in Silver."""
        return self.target_column or self.source_column

    @property
    def declared_type(self) -> DataType | None:
        """The declared type, or None where it is inferred."""
        if self.data_type is None:
            return None
        return DataType.parse(self.data_type, format=self.format, thousands_separator=self.thousands_separator)

    @model_validator(mode="after")
    def _type_is_known(self) -> Self:
        if self.data_type is None and (self.format or self.thousands_separator):
            raise ValueError(f"column {self.source_column!r}: format and thousandsSeparator need a dataType")
        _ = self.declared_type
        if self.name.startswith(RESERVED_PREFIX):
            raise ValueError(f"column {self.name!r}: names that start with {RESERVED_PREFIX!r} belong to the product")
        if is_pattern(self.name):
            raise ValueError(f"column {self.name!r}: '*' and names from '^' to '$' are patterns to the engine")
        return self


class TransformationConfig(Document):
    """What happens between Bronze and the rules of Silver."""

    column_mappings: tuple[ColumnMapping, ...] = ()

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        for kind, names in (
            ("sourceColumn", [mapping.source_column for mapping in self.column_mappings]),
            ("targetColumn", [mapping.name for mapping in self.column_mappings]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"columnMappings: {kind} {', '.join(twice)} stands there more than once")
        return self


class Severity(StrEnum):
    """What a broken rule does: ``error`` sends the row to quarantine, ``warning`` and ``info`` only count it."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class QualityRule(Document):
    """A rule that every row of Silver is held to. Null passes ``unique``; an empty text passes ``not_null``."""

    name: str | None = None
    column: str
    rule_type: Literal["not_null", "unique"]
    severity: Severity = Severity.ERROR

    @property
    def label(self) -> str:
        """The rule's name, or one made of its type and column."""
        return self.name or f"{self.rule_type}({self.column})"


class ValidationConfig(Document):
    """The rules of Silver."""

    data_quality_rules: tuple[QualityRule, ...] = ()

    @model_validator(mode="after")
    def _labels_are_unique(self) -> Self:
        labels = [rule.label for rule in self.data_quality_rules]
        twice = sorted({label for label in labels if labels.count(label) > 1})
        if twice:
            raise ValueError(f"dataQualityRules: {', '.join(twice)} stands there more than once")
        return self


class MergeStrategy(StrEnum):
    """How a run's rows become the Silver table.

    ``versioned``: they are the table, and earlier runs stay beside it. ``merge``: per key the row of the latest run.
    ``replace``: they take the place of all rows. ``append``: they come on top.
    """

    VERSIONED = "versioned"
    MERGE = "merge"
    REPLACE = "replace"
    APPEND = "append"

    @property
    def keeps_one_object(self) -> bool:
        """Whether the table is one object under a key without a date, which each run replaces."""
        return self in (MergeStrategy.MERGE, MergeStrategy.REPLACE)


class BronzeConfig(Document):
    """Options of Bronze. The files of a run must carry the columns of the contract, in any order."""

    schema_evolution: Literal["strict"] = "strict"


class SilverConfig(Document):
    """Options of Silver."""

    primary_key: tuple[str, ...] = ()
    merge_strategy: MergeStrategy = MergeStrategy.VERSIONED
    surrogate_key_column: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = "_sk_id"

    @property
    def removes_duplicates(self) -> bool:
        """Whether equal rows of a run are one row. An appended log without a key has no rows that are the same."""
        return bool(self.primary_key) or self.merge_strategy is not MergeStrategy.APPEND

    @field_validator("primary_key", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _merge_needs_a_key(self) -> Self:
        if self.merge_strategy is MergeStrategy.MERGE and not self.primary_key:
            raise ValueError("mergeStrategy 'merge' needs a primaryKey")
        if len(set(self.primary_key)) != len(self.primary_key):
            raise ValueError(f"primaryKey names a column twice: {', '.join(self.primary_key)}")
        if self.surrogate_key_column in RESERVED_NAMES:
            raise ValueError(f"surrogateKeyColumn {self.surrogate_key_column!r} is a name of the product's own")
        return self


class GoldConfig(Document):
    """Options of Gold: a copy of Silver, or an aggregation by columns."""

    domain: Slug = "analytics"
    dataset: Slug | None = None
    aggregation_enabled: bool = False
    aggregation_group_by: tuple[str, ...] = ()
    aggregates: dict[str, str] = Field(default_factory=dict)

    @property
    def parsed_aggregates(self) -> dict[str, Aggregate]:
        """Output name to aggregate, in the order of the configuration."""
        return {name: Aggregate.parse(text) for name, text in self.aggregates.items()}

    @model_validator(mode="after")
    def _aggregation_is_whole(self) -> Self:
        parsed = self.parsed_aggregates
        if self.aggregation_enabled != bool(self.aggregation_group_by or parsed):
            raise ValueError("aggregationEnabled goes with aggregationGroupBy or aggregates, and they with it")
        if len(set(self.aggregation_group_by)) != len(self.aggregation_group_by):
            raise ValueError(f"aggregationGroupBy names a column twice: {', '.join(self.aggregation_group_by)}")
        both = sorted(set(parsed) & set(self.aggregation_group_by))
        if both:
            raise ValueError(f"aggregates: {', '.join(both)} is also a column of aggregationGroupBy")
        reserved = sorted(name for name in parsed if name.startswith(RESERVED_PREFIX))
        if reserved:
            raise ValueError(f"aggregates: {', '.join(reserved)}: names that start with '_' belong to the product")
        return self


class DestinationConfig(Document):
    """The three layers of a job."""

    bronze_config: BronzeConfig = BronzeConfig()
    silver_config: SilverConfig = SilverConfig()
    gold_config: GoldConfig = GoldConfig()


class Job(Document):
    """One source and its three datasets. Jobs of the same order run together, a higher order waits for the lower."""

    id: Identifier
    name: Annotated[str, Field(min_length=1, max_length=200)]
    slug: Slug
    description: str = ""
    order: Annotated[int, Field(ge=1)] = 1
    tier: PinnedTier = PinnedTier.AUTO
    source_config: SourceConfig = SourceConfig()
    transformation_config: TransformationConfig = TransformationConfig()
    validation_config: ValidationConfig = ValidationConfig()
    destination_config: DestinationConfig = DestinationConfig()

    @model_validator(mode="before")
    @classmethod
    def _slug_follows_from_the_name(cls, value: object) -> object:
        return with_slug(value)

    @property
    def dataset(self) -> str:
        """The Gold dataset's name."""
        return self.destination_config.gold_config.dataset or self.slug


def is_pattern(column: str) -> bool:
    """Whether the engine would take a column's name for a pattern of names."""
    return column == "*" or (column.startswith("^") and column.endswith("$"))


def with_slug(value: object) -> object:
    """Add the slug that follows from the name where a definition states none."""
    if isinstance(value, dict) and "slug" not in value and isinstance(value.get("name"), str):
        return {**value, "slug": slugify(value["name"])}
    return value
