"""The state machines of the service: created, changed and deleted by name."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import replace

from flowforge.local.states.clock import Clock
from flowforge.local.states.definition import Definition
from flowforge.local.states.errors import ServiceError, does_not_exist
from flowforge.local.states.execution import StateMachine
from flowforge.local.states.fields import ArgumentNames
from flowforge.local.states.parser import parse_definition
from flowforge.local.states.versions import Versions
from flowforge.local.template import state_machine_arn

_NAME = re.compile(r"""[^\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}""")
_NAME_LENGTH = 80


class Machines:
    """State machines by ARN. They live as long as the process: what is declared is created again at each start."""

    def __init__(self, resources: Mapping[str, ArgumentNames], clock: Clock) -> None:
        self._resources = resources
        self._clock = clock
        self._machines: dict[str, StateMachine] = {}
        self.versions = Versions(clock)

    def parse(self, text: str) -> Definition:
        """Read a definition. Raises InvalidDefinitionError."""
        return parse_definition(text, resources=self._resources)

    def create(self, name: str, text: str, role_arn: str) -> StateMachine:
        """Create a state machine; the same one again is the same one. Raises ServiceError for what is not understood."""
        check_name(name)
        arn = state_machine_arn(name)
        definition = self.parse(text)
        existing = self._machines.get(arn)
        if existing is not None:
            if (existing.text, existing.role_arn) != (text, role_arn):
                raise ServiceError("StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'")
            return existing
        now = self._clock.now()
        self._machines[arn] = StateMachine(arn, name, role_arn, text, definition, now, now, str(uuid.uuid4()))
        return self._machines[arn]

    def update(self, arn: str, text: str | None, role_arn: str | None) -> StateMachine:
        """Change definition, role or both; executions that run keep what they have. Raises ServiceError."""
        machine = self.get(arn)
        if machine.version_arn is not None:
            raise ServiceError("InvalidArn", f"Invalid Arn: a version is never changed: '{arn}'")
        if text is None and role_arn is None:
            raise ServiceError("MissingRequiredParameter", "Either the definition, the role ARN, or both must be specified")
        definition = machine.definition if text is None else self.parse(text)
        changed = replace(
            machine,
            text=text or machine.text,
            definition=definition,
            role_arn=role_arn or machine.role_arn,
            updated=self._clock.now(),
            revision=str(uuid.uuid4()),
        )
        self._machines[arn] = changed
        return changed

    def delete(self, arn: str) -> None:
        """Delete a state machine with its versions; one that is not there is deleted already. Raises ServiceError."""
        check_arn(arn)
        self._machines.pop(arn, None)
        self.versions.forget(arn)

    def get(self, arn: str) -> StateMachine:
        """Find a state machine, or the version of one that the ARN names, itself or by an alias. Raises ServiceError."""
        check_arn(arn)
        found = self._machines.get(arn) or self.versions.find(arn)
        if found is None:
            raise does_not_exist("State Machine", arn)
        return found

    def all(self) -> list[StateMachine]:
        """All state machines, by name."""
        return sorted(self._machines.values(), key=lambda machine: machine.name)


def check_name(name: str) -> None:
    """Raises ServiceError where a state machine or an execution cannot have this name."""
    if len(name) > _NAME_LENGTH:
        raise ServiceError(
            "ValidationException",
            f"1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: "
            f"Member must have length less than or equal to {_NAME_LENGTH}",
        )
    if not _NAME.fullmatch(name):
        raise ServiceError("InvalidName", f"Invalid Name: '{name}'")


def check_arn(arn: str) -> None:
    """Raises ServiceError where a text is no ARN at all."""
    if not arn.startswith("arn:"):
        raise ServiceError("InvalidArn", f"Invalid Arn: 'Invalid ARN prefix: {arn}'")
