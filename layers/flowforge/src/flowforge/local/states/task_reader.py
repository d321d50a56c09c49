"""Reading a Task state: its resource, and the names of its arguments."""

import re
from collections.abc import Mapping
from typing import Any

from flowforge.local.states.definition import NOT_SET, TaskState
from flowforge.local.states.fields import ALWAYS_MEMBERS, ArgumentNames, Fields
from flowforge.local.states.handlers import read_catchers, read_retriers

_FUNCTION = re.compile(r"arn:aws[\w-]*:lambda:[\w-]*:\d{12}:function:[\w-]+(:[\w$-]+)?")
INVOKE = "arn:aws:states:::lambda:invoke"


def is_function(resource: str) -> bool:
    """Whether a resource is a Lambda function itself, and not an integration."""
    return _FUNCTION.fullmatch(resource) is not None


def read_task(common: Mapping[str, Any], fields: Fields, resources: Mapping[str, ArgumentNames]) -> TaskState:
    """A Task state."""
    fields.require("Resource")
    resource = fields.literal("Resource", str, "")
    arguments = fields.template("Arguments", "Arguments", reserved=ALWAYS_MEMBERS)
    # A function's own ARN takes any JSON as its event; it works wherever functions can be invoked.
    if resource and not (is_function(resource) and INVOKE in resources):
        _check_resource(resource, arguments, fields, resources)
    return TaskState(
        **common,
        resource=resource,
        arguments=arguments,
        timeout_seconds=fields.seconds("TimeoutSeconds", minimum=1, default=NOT_SET),
        retriers=read_retriers(fields),
        catchers=read_catchers(fields),
    )


def _check_resource(resource: str, arguments: Any, fields: Fields, resources: Mapping[str, ArgumentNames]) -> None:
    names = resources.get(resource)
    if names is None:
        known = ", ".join(sorted(resources))
        fields.diagnostics.add(f"The resource '{resource}' is not supported, only: [{known}]", f"{fields.place}/Resource")
        return
    if not isinstance(arguments, dict):
        return
    given = Fields(arguments, f"{fields.place}/Arguments", fields.diagnostics)
    given.allow(names.allowed, f"the resource '{resource}'")
    for name in names.required:
        if name not in arguments:
            fields.diagnostics.add(f"The field '{name}' is required but was missing", given.place)
