"""``--parameter NAME=VALUE``: what a person sets of the application's template for a stack on the laptop."""

from collections.abc import Iterable
from pathlib import Path

from flowforge.cli.usage import UsageError
from flowforge.local.cloudformation import load_document
from flowforge.local.project import TEMPLATE_NAME


def template_parameters(typed: Iterable[str], project: Path) -> dict[str, str]:
    """Values by name. Raises UsageError for what is no NAME=VALUE, and for a name or a value that the template does not take."""
    declared = load_document(project / TEMPLATE_NAME).get("Parameters", {})
    given: dict[str, str] = {}
    for text in typed:
        name, sign, value = text.partition("=")
        if not sign:
            raise UsageError(f"--parameter {text}: write NAME=VALUE")
        if name not in declared:
            raise UsageError(f"--parameter {name}: the template has no such parameter; it has {', '.join(sorted(declared))}")
        allowed = [str(item) for item in declared[name].get("AllowedValues", ())]
        if allowed and value not in allowed:
            raise UsageError(f"--parameter {name}: {value!r} is none of {', '.join(allowed)}")
        given[name] = value
    return given
