"""Published versions of state machines, and the aliases that point to them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flowforge.local.states.clock import Clock
from flowforge.local.states.errors import ServiceError
from flowforge.local.states.execution import StateMachine

# https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachineAlias.html
_ALIAS_NAME = re.compile(r"(?=.*[a-zA-Z_\-.])[a-zA-Z0-9_\-.]{1,80}")


@dataclass(frozen=True)
class Alias:
    """A name for one version."""

    arn: str
    name: str
    version_arn: str
    description: str
    created: datetime
    updated: datetime


class Versions:
    """Versions and aliases by ARN. A version never changes; an alias points to one version and can be moved."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._published: dict[str, list[tuple[StateMachine, datetime]]] = {}
        self._aliases: dict[str, Alias] = {}

    def publish(self, machine: StateMachine, revision: str | None = None) -> tuple[StateMachine, datetime]:
        """The machine as it is now as a version, and when it was published; one that is published already is the same.

        Raises ServiceError where ``revision`` is given and is not that of the machine.
        """
        if revision not in (None, machine.revision):
            raise ServiceError("ConflictException", f"The revision of {machine.arn} is not {revision}")
        published = self._published.setdefault(machine.arn, [])
        if not published or published[-1][0].revision != machine.revision:
            version_arn = f"{machine.arn}:{len(published) + 1}"
            published.append((replace(machine, version_arn=version_arn), self._clock.now()))
        return published[-1]

    def published(self, machine_arn: str) -> list[tuple[StateMachine, datetime]]:
        """The versions of a state machine with the times of their publishing, the latest first."""
        return self._published.get(machine_arn, [])[::-1]

    def create_alias(self, name: str, routing: Sequence[Any], description: str) -> Alias:
        """Create an alias; the same one again is the same one. Raises ServiceError."""
        if not _ALIAS_NAME.fullmatch(name):
            raise ServiceError("ValidationException", f"Invalid alias name: '{name}'")
        version_arn = self._only_version(routing)
        arn = f"{version_arn.rpartition(':')[0]}:{name}"
        existing = self._aliases.get(arn)
        if existing is not None:
            if (existing.version_arn, existing.description) != (version_arn, description):
                raise ServiceError("ConflictException", f"The alias {arn} exists already and is another one")
            return existing
        now = self._clock.now()
        self._aliases[arn] = Alias(arn, name, version_arn, description, now, now)
        return self._aliases[arn]

    def move_alias(self, arn: str, routing: Sequence[Any] | None, description: str | None) -> Alias:
        """Point an alias to another version, describe it otherwise, or both. Raises ServiceError."""
        alias = self.alias(arn)
        self._aliases[arn] = replace(
            alias,
            version_arn=alias.version_arn if routing is None else self._only_version(routing),
            description=alias.description if description is None else description,
            updated=self._clock.now(),
        )
        return self._aliases[arn]

    def alias(self, arn: str) -> Alias:
        """Find an alias. Raises ServiceError."""
        if arn not in self._aliases:
            raise ServiceError("ResourceNotFound", f"Alias Does Not Exist: '{arn}'")
        return self._aliases[arn]

    def aliases(self, machine_arn: str) -> list[Alias]:
        """The aliases of a state machine, by name."""
        own = [alias for alias in self._aliases.values() if alias.arn.rpartition(":")[0] == machine_arn]
        return sorted(own, key=lambda alias: alias.name)

    def find(self, arn: str) -> StateMachine | None:
        """The version that an ARN names, itself or by an alias; None where it names neither."""
        alias = self._aliases.get(arn)
        if alias is not None:
            version = self.find(alias.version_arn)
            return None if version is None else replace(version, alias_arn=arn)
        published = self._published.get(arn.rpartition(":")[0], [])
        return next((machine for machine, _ in published if machine.version_arn == arn), None)

    def forget(self, machine_arn: str) -> None:
        """Delete versions and aliases with their state machine."""
        self._published.pop(machine_arn, None)
        for alias in self.aliases(machine_arn):
            del self._aliases[alias.arn]

    def _only_version(self, routing: Sequence[Any]) -> str:
        if len(routing) != 1 or routing[0].get("weight") != 100:
            raise ServiceError(
                "ValidationException", "the local Step Functions service routes an alias to one version, weight 100"
            )
        arn = str(routing[0].get("stateMachineVersionArn"))
        if self.find(arn) is None or arn in self._aliases:
            raise ServiceError("ResourceNotFound", f"State Machine Version Does Not Exist: '{arn}'")
        return arn
