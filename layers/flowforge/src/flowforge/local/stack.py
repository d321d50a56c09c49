"""The local stack: emulator, function host and Step Functions service, wired together for as long as a block runs."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from flowforge.local.cloudformation import ACCOUNT, REGION
from flowforge.local.emulator import Emulator
from flowforge.local.errors import LocalStackError
from flowforge.local.functions import FunctionCaller, FunctionHost
from flowforge.local.http_server import BackgroundServer
from flowforge.local.lambda_api import invoke_route
from flowforge.local.project import TEMPLATE_NAME
from flowforge.local.reaper import Reaper
from flowforge.local.sandbox import SandboxSettings
from flowforge.local.states.api import states_route
from flowforge.local.states.integrations import LambdaInvoke, function_name
from flowforge.local.states.service import StatesService
from flowforge.local.template import StateMachineSpec, Template, read_template

DATA_BUCKET = "flowforge-dev-data"
DATA_BUCKET_VARIABLE = "FLOWFORGE_DATA_BUCKET"
STATE_FOLDER_NAME = ".flowforge"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/flowforge-local"
# What the template asks of an account (its parameters), as it is on a laptop.
TEMPLATE_PARAMETERS = {"Stage": "dev", "DataBucketName": DATA_BUCKET}
EMULATOR_CHUNK_BYTES = str(32 << 20)
"""The emulator reads a whole object from disk for each range that is asked of it, so ranges had better be few."""
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
_OWN_SERVICES = {"stepfunctions": "AWS_ENDPOINT_URL_SFN", "lambda": "AWS_ENDPOINT_URL_LAMBDA"}


class LocalStack:
    """Everything that the product needs of AWS, on this machine. A context manager; inside the block, all of it runs.

    ``project`` holds the template; ``state`` is the folder where data, logs and caches stay. Raises LocalStackError where
    another process uses the state folder, or something does not start; whatever had been started is ended then.
    """

    def __init__(self, project: Path, state: Path) -> None:
        self._project = project.resolve()
        self._state = state.resolve()
        self._cleanup = ExitStack()
        self.data_bucket = DATA_BUCKET
        self.endpoints: dict[str, str] = {}
        self.state_machine_arn = ""

    def __enter__(self) -> Self:
        with ExitStack() as cleanup:
            self._start(cleanup)
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._cleanup.close()

    def client(self, service: str) -> Any:
        """A boto3 client of this stack; ``service`` as boto3 names it (``s3``, ``stepfunctions``, ``lambda``)."""
        return boto3.session.Session().client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.endpoints.get(service, self.endpoints["aws"]),
            region_name=REGION,
            aws_access_key_id=_CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            # A proxy of the network must not see what stays on this machine.
            config=Config(proxies={}, s3={"addressing_style": "path"}, read_timeout=960),
        )

    def environment(self) -> dict[str, str]:
        """The variables with which boto3, the AWS CLI and the product reach this stack."""
        own = {variable: self.endpoints[service] for service, variable in _OWN_SERVICES.items() if service in self.endpoints}
        return {
            "AWS_ENDPOINT_URL": self.endpoints["aws"],
            **own,
            **_CREDENTIALS,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            DATA_BUCKET_VARIABLE: self.data_bucket,
        }

    def _start(self, cleanup: ExitStack) -> None:
        cleanup.enter_context(_locked(self._state))
        template = read_template(
            self._project / TEMPLATE_NAME,
            parameters=TEMPLATE_PARAMETERS,
            environment={DATA_BUCKET_VARIABLE: self.data_bucket, "POLARS_CSV_CHUNK_SIZE": EMULATOR_CHUNK_BYTES},
        )
        machine = _only(template.state_machines)
        reaper = Reaper()
        cleanup.callback(reaper.close)
        emulator = Emulator(self._state, reaper)
        cleanup.callback(emulator.stop)
        emulator.start()
        self.endpoints["aws"] = emulator.endpoint
        # The functions' processes and our own server start while the emulator loads.
        functions = self._start_functions(cleanup, template, reaper)
        self._start_apis(cleanup, functions)
        emulator.wait_ready()
        self._create_bucket()
        self._create_state_machine(machine)

    def _start_functions(self, cleanup: ExitStack, template: Template, reaper: Reaper) -> FunctionHost:
        settings = SandboxSettings(self._state, self.environment(), reaper)
        functions = FunctionHost(template.functions, settings)
        cleanup.callback(functions.close)
        functions.warm(spec.name for spec in template.functions)
        return functions

    def _start_apis(self, cleanup: ExitStack, functions: FunctionHost) -> None:
        caller = FunctionCaller(functions)
        cleanup.callback(caller.close)
        service = StatesService([LambdaInvoke(caller)])
        server = BackgroundServer([states_route(service), invoke_route(caller, function_name)], service.close)
        cleanup.callback(server.close)
        self.endpoints |= dict.fromkeys(_OWN_SERVICES, server.endpoint)

    def _create_bucket(self) -> None:
        s3 = self.client("s3")
        if self.data_bucket not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
            s3.create_bucket(Bucket=self.data_bucket)
        s3.put_bucket_versioning(Bucket=self.data_bucket, VersioningConfiguration={"Status": "Enabled"})

    def _create_state_machine(self, machine: StateMachineSpec) -> None:
        try:
            answer = self.client("stepfunctions").create_state_machine(
                name=machine.name, definition=machine.definition(), roleArn=ROLE_ARN
            )
        except ClientError as error:
            raise LocalStackError(f"{machine.definition_path}: {error.response['Error']['Message']}") from error
        self.state_machine_arn = answer["stateMachineArn"]


def _only(machines: tuple[StateMachineSpec, ...]) -> StateMachineSpec:
    if len(machines) != 1:
        names = ", ".join(machine.name for machine in machines) or "none"
        raise LocalStackError(f"the local stack runs one state machine, and the template declares: {names}")
    return machines[0]


@contextmanager
def _locked(state: Path) -> Iterator[None]:
    """Hold the state folder: two stacks in one folder would overwrite each other's objects."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / "lock").open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LocalStackError(
                f"{state} is in use by process {_holder(lock)}: end it first, or choose another state folder"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _holder(lock: IO[str]) -> str:
    lock.seek(0)
    return lock.read().strip() or "(unknown)"
