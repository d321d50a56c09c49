"""Options of the command line held against the models that they become part of."""

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from pydantic import ValidationError

from flowforge.cli.untrusted import printable
from flowforge.cli.usage import UsageError
from flowforge.model.workflow import describe_problem

Built = TypeVar("Built")
Value = TypeVar("Value", bound=StrEnum)


def one_of(option: str, text: str, values: type[Value]) -> Value:
    """The member of an enumeration that a person typed. Raises UsageError with those that there are."""
    known = [value.value for value in values]
    if text not in known:
        raise UsageError(f"{option}: {printable(text)!r} is none of {', '.join(known)}")
    return values(text)


def checked(option: str, build: Callable[[], Built]) -> Built:
    """Build a part of the workflow; what its model refuses becomes wrong usage of the option."""
    try:
        return build()
    except ValidationError as error:
        reasons = [describe_problem((), problem["msg"]) for problem in error.errors()]
        raise UsageError(f"{option}: {printable('; '.join(reasons))}") from error
    except ValueError as error:
        raise UsageError(f"{option}: {printable(str(error))}") from error
