"""Changes to a column: to its text before the cast, and by ``format`` to its typed value after it."""

import re
import warnings
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from flowforge.model.base import Document


class NoParameters(Document):
    """For a change that has nothing to say."""


class ReplaceParameters(Document):
    """``search`` becomes ``replacement`` everywhere: literally, or as a regular expression (Rust's, with ``$1`` for a group)."""

    search: Annotated[str, Field(min_length=1)]
    replacement: str = ""
    regex: bool = False


class SubstringParameters(Document):
    """Characters from ``start`` (the first is 1, -1 the last) on, ``length`` of them, or all that follow."""

    start: int
    length: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _counts_from_one(self) -> Self:
        if self.start == 0:
            raise ValueError("start counts from 1, or from -1 backwards")
        return self


class FormatParameters(Document):
    """``pattern`` (strftime's signs) for dates and timestamps; ``decimals``, ``thousands_separator`` and ``width`` for numbers.

    ``width`` fills up with zeros from the left.
    """

    pattern: Annotated[str, Field(min_length=1)] | None = None
    decimals: Annotated[int, Field(ge=0, le=20)] | None = None
    thousands_separator: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    width: Annotated[int, Field(ge=1, le=40)] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        of_numbers = (self.decimals, self.thousands_separator, self.width)
        if (self.pattern is None) == (of_numbers == (None, None, None)):
            raise ValueError("format takes pattern for a date, or decimals, thousandsSeparator and width for a number")
        if self.thousands_separator is not None and self.width is not None:
            raise ValueError("format takes thousandsSeparator or width, not both")
        return self


class PhoneParameters(Document):
    """``country_code``: the calling code that a number without one gets, such as 1 or 49."""

    country_code: Annotated[str, Field(pattern=r"^\+?[1-9][0-9]{0,2}$")] | None = None


PARAMETERS: dict[str, type[Document]] = {
    "uppercase": NoParameters,
    "lowercase": NoParameters,
    "trim": NoParameters,
    "replace": ReplaceParameters,
    "substring": SubstringParameters,
    "format": FormatParameters,
    "email_normalize": NoParameters,
    "phone_format": PhoneParameters,
}


class Transformation(Document):
    """One change to a column. Null stays null under each of them."""

    type: Literal["uppercase", "lowercase", "trim", "replace", "substring", "format", "email_normalize", "phone_format"]
    parameters: dict[str, object] = Field(default_factory=dict)

    @property
    def parsed(self) -> Document:
        """The parameters as the type of change has them."""
        return PARAMETERS[self.type].model_validate(self.parameters)

    @model_validator(mode="after")
    def _parameters_fit(self) -> Self:
        try:
            parsed = self.parsed
        except ValidationError as error:
            raise ValueError(f"{self.type}: {parameter_problems(error)}") from error
        if isinstance(parsed, ReplaceParameters) and parsed.regex:
            check_pattern(parsed.search)
        return self


def parameter_problems(error: ValidationError) -> str:
    """What is wrong with parameters, in one line."""
    return "; ".join(
        f"parameters{''.join(f'.{part}' for part in problem['loc'])}: "
        + problem["msg"].removeprefix("Value error, ").replace("Extra inputs are not permitted", "is not one of its parameters")
        for problem in error.errors()
    )


LOOKAROUND = re.compile(r"\(\?(?:[=!]|<[=!])")
BACK_REFERENCE = re.compile(r"(?<!\\)(?:\\\\)*\\[1-9]")
MAX_PATTERN_CHARACTERS = 1_000


def check_pattern(pattern: str) -> None:
    """Raise ValueError for a regular expression that the engine's (Rust's ``regex``) does not take.

    Its syntax is close to Python's, without look-around and references back, which it has no linear time for. What only the
    engine can tell is checked by it before it reads the first row (https://docs.rs/regex/latest/regex/#syntax).
    """
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise ValueError(f"the pattern has {len(pattern)} characters; {MAX_PATTERN_CHARACTERS} are the most")
    if LOOKAROUND.search(pattern):
        raise ValueError(f"the pattern {pattern!r} looks around, which this regular expression cannot; state two rules")
    if BACK_REFERENCE.search(pattern):
        raise ValueError(f"the pattern {pattern!r} refers back to a group, which this regular expression cannot")
    try:
        with warnings.catch_warnings():
            # Python warns of sets within sets, which Rust has.
            warnings.simplefilter("ignore", FutureWarning)
            re.compile(_in_python(pattern))
    except re.error as error:
        raise ValueError(f"the pattern {pattern!r} is no regular expression: {error}") from error


def _in_python(pattern: str) -> str:
    """The pattern with what Rust alone knows in a form that Python's parser accepts."""
    pattern = re.sub(r"\\[pP](?:\{[^}]*\}|[A-Za-z])|\\[xuU]\{[0-9A-Fa-f]+\}", "x", pattern)
    pattern = re.sub(r"\[\[:\^?[a-z]+:\]\]", "[x]", pattern).replace(r"\z", r"\Z")
    return re.sub(r"\(\?[imsRUux-]+\)", "", pattern).replace("(?<", "(?P<")
