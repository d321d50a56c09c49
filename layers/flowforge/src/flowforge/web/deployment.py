"""The API in the cloud: what its environment says of the deployment, and the function behind the load balancer."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Self

import boto3
from botocore.config import Config
from mangum import Mangum
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flowforge.lake.lake import STAGE_VARIABLE, Lake
from flowforge.metadata.database import Database
from flowforge.model.environment import Environment
from flowforge.model.errors import ConfigFault
from flowforge.orchestration.execution_logs import ExecutionLogs
from flowforge.orchestration.platform_probes import stage_probes
from flowforge.orchestration.run_door import RunDoor
from flowforge.web.application import create_application, guarded
from flowforge.web.correlation import HEADER
from flowforge.web.oidc import LoadBalancerIdentity
from flowforge.web.problems import MEDIA_TYPE as PROBLEM
from flowforge.web.services import Services

BALANCER_VARIABLE = "FLOWFORGE_LOAD_BALANCER_ARN"
FIRST_ADMIN_VARIABLE = "FLOWFORGE_FIRST_ADMIN"
TRACE_HEADER = "x-amzn-trace-id"
PROBE = Config(retries={"total_max_attempts": 1}, connect_timeout=1, read_timeout=2)
LOG_SEARCH = Config(retries={"mode": "standard", "max_attempts": 3}, connect_timeout=2, read_timeout=10)
TEXTS = ("text/", "application/json", PROBLEM)
"""What a load balancer gets as text; everything else is sent in Base64."""


class Deployment(BaseModel):
    """``load_balancer_arn`` names the load balancer whose word on who signed in counts; None where people use tokens alone.

    ``first_admin`` is the ``sub`` of the person who is an admin while there is no other.
    """

    model_config = ConfigDict(frozen=True)

    stage: Annotated[Environment, Field(alias=STAGE_VARIABLE)]
    load_balancer_arn: Annotated[
        str | None,
        Field(alias=BALANCER_VARIABLE, pattern=r"^arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:\d{12}:loadbalancer/app/.+$"),
    ] = None
    first_admin: Annotated[str | None, Field(alias=FIRST_ADMIN_VARIABLE, min_length=1)] = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the variables; one that is empty counts as not set. Raises ConfigFault naming the one that is wrong."""
        try:
            return cls.model_validate({name: value for name, value in environment.items() if value})
        except ValidationError as error:
            [first, *_] = error.errors()
            variable = str(first["loc"][0])
            raise ConfigFault(f"{variable} is not set rightly: {first['msg']}", option=variable) from error

    def services(self, database: Database, lake: Lake, door: RunDoor) -> Services:
        """What the routes of this deployment work with."""
        identity = LoadBalancerIdentity(self.load_balancer_arn) if self.load_balancer_arn else None
        return Services(
            database,
            self.stage,
            lake,
            door,
            identity,
            self.first_admin,
            probes=stage_probes(door.starter.machine.arn, door.queue.url, _quick),
            logs=ExecutionLogs(self.stage, lambda: boto3.client("logs", config=LOG_SEARCH)),
        )


def _quick(service: str) -> Any:
    """A client for whoever only wants to know whether a service answers."""
    return boto3.client(service, config=PROBE)  # type: ignore[call-overload]


def function_of(services: Services) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """The handler of a function that a load balancer calls, with one event for each request."""
    # Nothing has to begin or end with the process: the database connects when it is first asked.
    return Mangum(guarded(create_application(services)), lifespan="off", text_mime_types=list(TEXTS))


def correlation_of(event: Mapping[str, Any]) -> str | None:
    """The id by which the log lines of a request are found: the client's own, else the load balancer's."""
    headers = event.get("headers") or {name: values[-1] for name, values in (event.get("multiValueHeaders") or {}).items()}
    lower = {name.lower(): value for name, value in headers.items()}
    found = lower.get(HEADER) or lower.get(TRACE_HEADER)
    return None if found is None else str(found)
