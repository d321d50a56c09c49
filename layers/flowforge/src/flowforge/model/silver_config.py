"""The options of a Silver table: what makes rows the same, who wins between two, and what is kept of the past."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic.alias_generators import to_camel

from flowforge.model.layer import LayerConfig
from flowforge.model.names import RESERVED_NAMES, RESERVED_PREFIX

ColumnName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class MergeStrategy(StrEnum):
    """How a run's rows become the Silver table.

    ``versioned``: they are the table, and earlier runs stay beside it. ``merge``: per key one row, by the conflict
    policy. ``replace``: they take the place of all rows. ``append``: they come on top. ``scd_type_2``: per key its
    versions, each with the time from and to which it held.
    """

    VERSIONED = "versioned"
    MERGE = "merge"
    REPLACE = "replace"
    APPEND = "append"
    SCD_TYPE_2 = "scd_type_2"

    @property
    def keeps_one_object(self) -> bool:
        """Whether the table is one object under a key without a date, which each run replaces."""
        return self in (MergeStrategy.MERGE, MergeStrategy.REPLACE, MergeStrategy.SCD_TYPE_2)


class ConflictResolution(StrEnum):
    """Which of two rows of a key stays: the one that arrived last, the one that arrived first, or the one whose
    ``conflictColumn`` is greater.
    """

    SOURCE_WINS = "source_wins"
    TARGET_WINS = "target_wins"
    MOST_RECENT = "most_recent"


class UpdateStrategy(StrEnum):
    """Whether a row that comes again with the same business columns gets the audit columns of the later run."""

    UPDATE_ALL = "update_all"
    UPDATE_CHANGED = "update_changed"


class TypeWidening(StrEnum):
    """What becomes of values that do not fit an inferred type of the contract.

    ``refuse`` sends their rows to quarantine; ``allow`` stores a contract with a wider type. A declared type never grows.
    """

    REFUSE = "refuse"
    ALLOW = "allow"


class SurrogateKeyStrategy(StrEnum):
    """Where a row's surrogate key comes from: its key's hash, its key's UUID, a counter, or a column of the source."""

    HASH = "hash"
    UUID = "uuid"
    AUTO_INCREMENT = "auto_increment"
    USE_EXISTING = "use_existing"


ALIASES = {"full_refresh": "replace", "last_arrival": "source_wins"}
"""Other names of a strategy and of a conflict policy, which people know from FlowForge and from here."""
SCD_OPTIONS = (
    "scd_natural_key",
    "scd_effective_date_column",
    "scd_end_date_column",
    "scd_current_flag_column",
    "scd_track_deletes",
)


class SilverConfig(LayerConfig):
    """Options of Silver. Where it is not ``enabled`` the job ends with Bronze."""

    enabled: bool = True
    primary_key: tuple[str, ...] = ()
    merge_strategy: MergeStrategy = MergeStrategy.VERSIONED
    type_widening: TypeWidening = TypeWidening.REFUSE
    conflict_resolution: ConflictResolution = ConflictResolution.SOURCE_WINS
    conflict_column: str | None = None
    update_strategy: UpdateStrategy = UpdateStrategy.UPDATE_ALL
    surrogate_key_strategy: SurrogateKeyStrategy = SurrogateKeyStrategy.HASH
    surrogate_key_column: ColumnName = "_sk_id"
    scd_natural_key: tuple[str, ...] = ()
    scd_effective_date_column: str = "_effective_from"
    scd_end_date_column: ColumnName = "_effective_to"
    scd_current_flag_column: ColumnName = "_is_current"
    scd_track_deletes: bool = False

    @property
    def removes_duplicates(self) -> bool:
        """Whether equal rows of a run are one row. An appended log without a key has no rows that are the same."""
        return bool(self.primary_key) or self.merge_strategy is not MergeStrategy.APPEND

    @property
    def effective_date_source(self) -> str | None:
        """The column of the source that says from when a version holds; None where that is its arrival."""
        stated = self.scd_effective_date_column
        is_of_source = self.merge_strategy is MergeStrategy.SCD_TYPE_2 and not stated.startswith(RESERVED_PREFIX)
        return stated if is_of_source else None

    @property
    def row_key(self) -> tuple[str, ...]:
        """The columns of the source that make two rows of a run the same; empty: all of them."""
        return (*self.primary_key, self.effective_date_source) if self.effective_date_source else self.primary_key

    @property
    def existing_surrogate_key(self) -> str | None:
        """The column of the source that is the surrogate key; None where the product makes one."""
        existing = self.surrogate_key_strategy is SurrogateKeyStrategy.USE_EXISTING
        return self.surrogate_key_column if existing else None

    @property
    def made_surrogate_key(self) -> tuple[str, ...]:
        """The surrogate key's column where the product adds it, none where the source has it."""
        return () if self.existing_surrogate_key else (self.surrogate_key_column,)

    @property
    def added_columns(self) -> tuple[str, ...]:
        """The columns that the table has besides those of the contract and the audit columns, in their order."""
        if self.merge_strategy is not MergeStrategy.SCD_TYPE_2:
            return self.made_surrogate_key
        effective = () if self.effective_date_source else (self.scd_effective_date_column,)
        return (*effective, self.scd_end_date_column, self.scd_current_flag_column, *self.made_surrogate_key)

    @property
    def source_columns(self) -> dict[str, str]:
        """The options that name a column of the source besides the key, with the column."""
        named = {
            "conflictColumn": self.conflict_column,
            "scdEffectiveDateColumn": self.effective_date_source,
            "surrogateKeyColumn": self.existing_surrogate_key,
        }
        return {option: column for option, column in named.items() if column is not None}

    @property
    def keeps_observations(self) -> bool:
        """Whether a late run needs what each run brought: where equal rows that came one after the other are one row."""
        by_arrival = self.merge_strategy is MergeStrategy.SCD_TYPE_2 and self.effective_date_source is None
        return by_arrival or self.update_strategy is UpdateStrategy.UPDATE_CHANGED

    @field_validator("primary_key", "scd_natural_key", mode="before", json_schema_input_type=str | tuple[str, ...])
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("merge_strategy", mode="before", json_schema_input_type=MergeStrategy | Literal["full_refresh"])
    @classmethod
    def _strategy_by_another_name(cls, value: object) -> object:
        return ALIASES.get(value, value) if isinstance(value, str) else value

    @field_validator("conflict_resolution", mode="before", json_schema_input_type=ConflictResolution | Literal["last_arrival"])
    @classmethod
    def _policy_by_another_name(cls, value: object) -> object:
        return ALIASES.get(value, value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _key_fits_the_strategy(self) -> Self:
        if self.scd_natural_key and self.primary_key and self.scd_natural_key != self.primary_key:
            raise ValueError("scdNaturalKey and primaryKey name different columns: a history has one key, so state one of them")
        if self.scd_natural_key and not self.primary_key:
            object.__setattr__(self, "primary_key", self.scd_natural_key)
        if self.merge_strategy in (MergeStrategy.MERGE, MergeStrategy.SCD_TYPE_2) and not self.primary_key:
            raise ValueError(f"mergeStrategy '{self.merge_strategy.value}' needs a primaryKey")
        if len(set(self.primary_key)) != len(self.primary_key):
            raise ValueError(f"primaryKey names a column twice: {', '.join(self.primary_key)}")
        return self

    @model_validator(mode="after")
    def _conflicts_are_settled(self) -> Self:
        policy = self.conflict_resolution
        if (policy is ConflictResolution.MOST_RECENT) != (self.conflict_column is not None):
            raise ValueError("conflictResolution 'most_recent' goes with conflictColumn, the column whose greater value stays")
        if policy is not ConflictResolution.SOURCE_WINS and not self.primary_key:
            raise ValueError(f"conflictResolution '{policy.value}' needs a primaryKey: without one no two rows are in conflict")
        if policy is not ConflictResolution.SOURCE_WINS and self.merge_strategy is MergeStrategy.SCD_TYPE_2:
            raise ValueError(f"conflictResolution '{policy.value}' does not go with scd_type_2, which keeps every version")
        if self.update_strategy is UpdateStrategy.UPDATE_CHANGED and self.merge_strategy is not MergeStrategy.MERGE:
            raise ValueError("updateStrategy 'update_changed' needs mergeStrategy merge: no other one updates rows")
        if self.update_strategy is UpdateStrategy.UPDATE_CHANGED and policy is ConflictResolution.TARGET_WINS:
            raise ValueError(
                "updateStrategy 'update_changed' does not go with conflictResolution 'target_wins', by which no row is updated"
            )
        return self

    @model_validator(mode="after")
    def _surrogate_key_fits_the_strategy(self) -> Self:
        strategy, column = self.surrogate_key_strategy, self.surrogate_key_column
        if column in RESERVED_NAMES:
            raise ValueError(f"surrogateKeyColumn {column!r} is a name of the product's own")
        if strategy is SurrogateKeyStrategy.AUTO_INCREMENT and self.merge_strategy not in (
            MergeStrategy.MERGE,
            MergeStrategy.SCD_TYPE_2,
        ):
            raise ValueError(
                "surrogateKeyStrategy 'auto_increment' needs mergeStrategy merge or scd_type_2: the others make each run's rows "
                "apart, so that a key would get another number in every run; use hash or uuid"
            )
        if strategy is SurrogateKeyStrategy.USE_EXISTING and column.startswith(RESERVED_PREFIX):
            raise ValueError("surrogateKeyStrategy 'use_existing' needs a surrogateKeyColumn that the source has")
        if strategy is SurrogateKeyStrategy.USE_EXISTING and self.merge_strategy is MergeStrategy.SCD_TYPE_2:
            raise ValueError(
                "surrogateKeyStrategy 'use_existing' does not go with scd_type_2: each version has a key of its own, which the "
                "source does not know"
            )
        return self

    @model_validator(mode="after")
    def _history_is_whole(self) -> Self:
        if self.merge_strategy is not MergeStrategy.SCD_TYPE_2:
            stated = [to_camel(name) for name in SCD_OPTIONS if getattr(self, name) != type(self).model_fields[name].default]
            if stated:
                raise ValueError(f"{', '.join(stated)}: options of a history need mergeStrategy scd_type_2")
            return self
        added = (
            self.scd_effective_date_column,
            self.scd_end_date_column,
            self.scd_current_flag_column,
            self.surrogate_key_column,
        )
        if len(set(added)) != len(added) or set(added) & set(RESERVED_NAMES):
            raise ValueError(
                f"scd_type_2 adds the columns {', '.join(added)}: they need different names, none of the product's own"
            )
        if self.scd_track_deletes and self.effective_date_source:
            raise ValueError(
                f"scdTrackDeletes does not go with scdEffectiveDateColumn {self.effective_date_source!r}: a row that is missing "
                "has no date of its own; leave scdEffectiveDateColumn out, so that versions hold from their arrival"
            )
        return self
