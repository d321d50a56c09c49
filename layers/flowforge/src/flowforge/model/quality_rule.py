"""A rule that every row of Silver is held to, with its parameters by type."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, Field, ValidationError, field_validator, model_validator

from flowforge.model.base import Document
from flowforge.model.expression import Expression, columns_of
from flowforge.model.expression_parser import parse_expression
from flowforge.model.row_filter import Scalar, dates_as_text
from flowforge.model.table_reference import TableReference
from flowforge.model.text_transformation import NoParameters, check_pattern, parameter_problems

Bound = int | float | str


class Severity(StrEnum):
    """What a broken rule does: ``error`` sends the row to quarantine, ``warning`` and ``info`` only count it."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class UniqueParameters(Document):
    """``columns``: more columns that together with the rule's own must not repeat."""

    columns: tuple[str, ...] = ()


class RangeParameters(Document):
    """The least and the greatest value, both of them allowed. Dates and timestamps as ISO texts."""

    min: Bound | None = None
    max: Bound | None = None

    @field_validator("min", "max", mode="before")
    @classmethod
    def _dates_as_text(cls, value: object) -> object:
        return dates_as_text(value)

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("range needs min, max or both")
        if not isinstance(self.min, str | None) and not isinstance(self.max, str | None) and self.min > self.max:
            raise ValueError(f"range: min {self.min} is greater than max {self.max}")
        return self


class LengthParameters(Document):
    """The fewest and the most characters of a text."""

    min: Annotated[int, Field(ge=0)] | None = None
    max: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("length needs min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"length: min {self.min} is greater than max {self.max}")
        return self


class PatternParameters(Document):
    """A regular expression that is found anywhere in the text; ``^`` and ``$`` hold it to the whole."""

    pattern: Annotated[str, Field(min_length=1)]

    @field_validator("pattern")
    @classmethod
    def _is_a_regular_expression(cls, pattern: str) -> str:
        check_pattern(pattern)
        return pattern


class EnumParameters(Document):
    """The values that a column may have."""

    values: Annotated[
        tuple[Scalar, ...], Field(min_length=1, validation_alias=AliasChoices("values", "allowed_values", "allowedValues"))
    ]

    @field_validator("values", mode="before")
    @classmethod
    def _dates_as_text(cls, value: object) -> object:
        return dates_as_text(value)


class ReferentialParameters(Document):
    """The Silver table and the column that must hold the value."""

    table: TableReference
    column: str


class ExpressionParameters(Document):
    """A condition over the columns of the row."""

    expression: str

    @property
    def parsed(self) -> Expression:
        """The condition as a tree."""
        return parse_expression(self.expression)

    @field_validator("expression")
    @classmethod
    def _can_be_parsed(cls, text: str) -> str:
        parse_expression(text)
        return text


Parameters = (
    NoParameters
    | UniqueParameters
    | RangeParameters
    | LengthParameters
    | PatternParameters
    | EnumParameters
    | ReferentialParameters
    | ExpressionParameters
)
PARAMETERS: dict[str, type[Parameters]] = {
    "not_null": NoParameters,
    "unique": UniqueParameters,
    "range": RangeParameters,
    "length": LengthParameters,
    "pattern": PatternParameters,
    "enum": EnumParameters,
    "referential": ReferentialParameters,
    "expression": ExpressionParameters,
    "custom": ExpressionParameters,
}
OF_SETS = ("unique", "referential")
"""Rules that a row alone cannot be held to."""


class QualityRule(Document):
    """A rule that every row of Silver is held to; an empty text passes ``not_null``.

    A null is neither right nor wrong under the other rules, unless ``null_is`` says that it passes or fails.
    """

    name: str | None = None
    column: str | None = None
    rule_type: Literal["not_null", "unique", "range", "length", "pattern", "enum", "referential", "expression", "custom"]
    parameters: dict[str, object] = Field(default_factory=dict)
    severity: Severity = Severity.ERROR
    null_is: Literal["pass", "fail"] | None = None

    @property
    def label(self) -> str:
        """The rule's name, or one made of its type and what it is about."""
        if self.name:
            return self.name
        parsed = self.parsed
        about = parsed.expression if isinstance(parsed, ExpressionParameters) else ", ".join(self.columns)
        return f"{self.rule_type}({about})"

    @property
    def parsed(self) -> Parameters:
        """The parameters as the rule's type has them."""
        return PARAMETERS[self.rule_type].model_validate(self.parameters)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the rule looks at."""
        parsed = self.parsed
        own = () if self.column is None else (self.column,)
        if isinstance(parsed, ExpressionParameters):
            return tuple(dict.fromkeys((*own, *columns_of(parsed.parsed))))
        return (*own, *parsed.columns) if isinstance(parsed, UniqueParameters) else own

    @property
    def is_of_sets(self) -> bool:
        """Whether other rows or another table decide."""
        return self.rule_type in OF_SETS

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        where = f"rule {self.name or self.rule_type}"
        try:
            _ = self.parsed
        except ValidationError as error:
            raise ValueError(f"{where}: {parameter_problems(error)}") from error
        if self.column is None and self.rule_type not in ("expression", "custom"):
            raise ValueError(f"{where}: it needs a column")
        if self.null_is is not None and self.rule_type in ("not_null", "unique"):
            raise ValueError(f"{where}: nullIs says nothing here: not_null is about null, and a null repeats no other null")
        if len(set(self.columns)) != len(self.columns):
            raise ValueError(f"{where}: it names a column twice")
        return self
