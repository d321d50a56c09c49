"""The HTTP API over a local stack, for as long as the stack runs."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager

from flowforge.local.api_endpoints import API, API_DOCS, API_TOKEN
from flowforge.local.connection import STAGE, StackConnection
from flowforge.model.environment import Environment
from flowforge.orchestration.execution_logs import ExecutionLogs
from flowforge.orchestration.platform_probes import stage_probes
from flowforge.web.laptop import laptop_api
from flowforge.web.services import Services

CONNECTIONS = 4


class StackApi:
    """What ``flowforge up`` serves. ``port`` is where; None leaves it to the server."""

    def __init__(self, port: int | None = None) -> None:
        self._port = port

    @contextmanager
    def __call__(self, stack: StackConnection) -> Iterator[Mapping[str, str]]:
        """Serve, and tell where, with the token. Raises ConfigFault for a stated port that is taken."""
        with closing(stack.database(pool_size=CONNECTIONS)) as database:
            door = stack.door(database)
            services = Services(
                database,
                Environment.DEV,
                stack.lake(),
                door,
                probes=stage_probes(door.starter.machine.arn, door.queue.url, stack.client),
                logs=ExecutionLogs(STAGE, lambda: stack.client("logs")),
            )
            with laptop_api(services, self._port) as api:
                yield {API: api.url, API_TOKEN: api.token, API_DOCS: api.docs}
