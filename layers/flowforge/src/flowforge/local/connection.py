"""A way to a stack that runs, in this process or in another one."""

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from flowforge.lake.lake import BUCKET_VARIABLE, STAGE_VARIABLE, Lake
from flowforge.local.api_endpoints import API_VARIABLES
from flowforge.local.cloudformation import REGION
from flowforge.local.loopback import NO_PROXY
from flowforge.metadata.variables import URL_VARIABLE

if TYPE_CHECKING:
    from flowforge.metadata.database import Database
    from flowforge.orchestration.machine import Machine
    from flowforge.orchestration.run_door import RunDoor
    from flowforge.orchestration.start_queue import StartQueue

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
OWN_SERVICES = {"stepfunctions": "AWS_ENDPOINT_URL_SFN", "lambda": "AWS_ENDPOINT_URL_LAMBDA", "athena": "AWS_ENDPOINT_URL_ATHENA"}
DATABASE = "database"
"""The key of the endpoint of PostgreSQL, which is a URL with its password."""
START_QUEUE = "flowforge-local-StartRequests"
START_DLQ = "flowforge-local-StartRequestsDlq"
"""What queues are called that have no name in the template (``resources.py``)."""
STAGE = "dev"
"""The laptop is a developer's own."""
# A function may take a quarter of an hour.
_READ_SECONDS = 960


class StackConnection:
    """Clients, lake, database and environment of one stack.

    ``endpoints`` holds ``aws``, the services that have one of their own, ``database``, and the API where it is served. What
    starts runs is imported where it is asked for: a command that only reads the lake does not wait for it.
    """

    def __init__(self, endpoints: Mapping[str, str], data_bucket: str, state_machine_arn: str) -> None:
        self.endpoints = dict(endpoints)
        self.data_bucket = data_bucket
        self.state_machine_arn = state_machine_arn
        self._clients: dict[str, Any] = {}
        self._session: boto3.session.Session | None = None
        # A client may be used from any thread; a session may not.
        self._lock = threading.Lock()

    def client(self, service: str) -> Any:
        """The boto3 client of this stack; ``service`` as boto3 names it (``s3``, ``stepfunctions``, ``lambda``).

        Clients may be used from any thread; each is made once.
        """
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._of_clients().client(
                    service,  # type: ignore[call-overload]
                    endpoint_url=self.endpoints.get(service, self.endpoints["aws"]),
                    # A proxy of the network must not see what stays on this machine.
                    config=Config(proxies={}, s3={"addressing_style": "path"}, read_timeout=_READ_SECONDS),
                )
            return self._clients[service]

    def lake(self) -> Lake:
        """The data bucket, as the steps see it."""
        with self._lock:
            return Lake.connect(self.data_bucket, self._of_clients(), endpoint_url=self.endpoints["aws"], stage=STAGE)

    def environment(self) -> dict[str, str]:
        """The variables with which boto3, the AWS CLI and the product reach this stack."""
        own = {variable: self.endpoints[service] for service, variable in OWN_SERVICES.items() if service in self.endpoints}
        database = {URL_VARIABLE: self.endpoints[DATABASE]} if DATABASE in self.endpoints else {}
        api = {variable: self.endpoints[name] for name, variable in API_VARIABLES.items() if name in self.endpoints}
        return {
            "AWS_ENDPOINT_URL": self.endpoints["aws"],
            **own,
            **CREDENTIALS,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            BUCKET_VARIABLE: self.data_bucket,
            STAGE_VARIABLE: STAGE,
            **database,
            **api,
            **NO_PROXY,
        }

    def session(self) -> boto3.session.Session:
        """A session with the credentials of the stack, for one thread."""
        return boto3.session.Session(
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        )

    def _of_clients(self) -> boto3.session.Session:
        """The session of all clients, used under the lock: each one reads the descriptions of services anew."""
        if self._session is None:
            self._session = self.session()
        return self._session

    def database(self, *, pool_size: int = 1) -> "Database":
        """The metadata of this stack; whoever asks for it closes it."""
        from flowforge.metadata.database import Database
        from flowforge.metadata.database_settings import DatabaseSettings

        return Database(DatabaseSettings.of_url(self.endpoints[DATABASE], pool_size=pool_size))

    def start_queue(self) -> "StartQueue":
        """The queue of wishes."""
        from flowforge.orchestration.start_queue import StartQueue

        sqs = self.client("sqs")
        return StartQueue(sqs.get_queue_url(QueueName=START_QUEUE)["QueueUrl"], sqs)

    def door(self, database: "Database") -> "RunDoor":
        """The door through which runs start."""
        from flowforge.orchestration.dead_letters import DeadLetters
        from flowforge.orchestration.run_door import RunDoor
        from flowforge.orchestration.starting import Starter

        sqs = self.client("sqs")
        dead = DeadLetters(sqs.get_queue_url(QueueName=START_DLQ)["QueueUrl"], sqs)
        return RunDoor(self.start_queue(), Starter(database, self.machine()), dead)

    def machine(self) -> "Machine":
        """The state machine that runs workflows."""
        from flowforge.orchestration.machine import Machine

        return Machine(self.state_machine_arn, self.client("stepfunctions"))
