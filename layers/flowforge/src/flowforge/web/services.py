"""What the routes work with: the database, the lake, and how this deployment is reached and by whom."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Connection

from flowforge.lake.lake import Lake
from flowforge.metadata.database import Database
from flowforge.model.environment import Environment
from flowforge.orchestration.execution_logs import ExecutionLogs
from flowforge.orchestration.platform_probes import Probe
from flowforge.orchestration.run_door import RunDoor
from flowforge.web.oidc import LoadBalancerIdentity


@dataclass(frozen=True)
class Services:
    """``identity`` verifies the people whom a load balancer lets in; None where nobody signs in, as on a laptop.

    ``first_admin`` is the ``sub`` of the person who is an admin while there is no other. ``has_sessions``: a browser may keep a
    token as a cookie, where nobody but this machine is served. ``probes`` ask what else the deployment stands on, by name:
    ``stateMachine`` and ``queue``. ``logs`` are None where nobody keeps the functions' lines.
    """

    database: Database
    environment: Environment
    lake: Lake
    door: RunDoor
    identity: LoadBalancerIdentity | None = None
    first_admin: str | None = None
    has_sessions: bool = False
    probes: Mapping[str, Probe] = field(default_factory=dict)
    logs: ExecutionLogs | None = None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction of the database."""
        with self.database.transaction() as connection:
            yield connection


def services_of(request: Request) -> Services:
    """The services of the application that a request came to."""
    found = request.app.state.services
    if not isinstance(found, Services):
        raise TypeError("the application has no services")
    return found


Used = Annotated[Services, Depends(services_of)]
