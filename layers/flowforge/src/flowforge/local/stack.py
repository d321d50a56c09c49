"""The local stack: emulator, function host and Step Functions service, wired together for as long as a block runs."""

import shutil
import socket
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from botocore.exceptions import ClientError

from flowforge.lake.lake import BUCKET_VARIABLE
from flowforge.local.asynchronous import EventQueue, Pace
from flowforge.local.athena.api import PATH as ATHENA_PATH
from flowforge.local.athena.api import athena_route
from flowforge.local.athena.engine import Engine
from flowforge.local.athena.service import AthenaService
from flowforge.local.cloudformation import ACCOUNT
from flowforge.local.cloudwatch import CloudWatch
from flowforge.local.connection import DATABASE, OWN_SERVICES, STAGE, StackConnection
from flowforge.local.declared import create_bucket, create_declared
from flowforge.local.destinations import Destinations
from flowforge.local.ecs_tasks import TaskHost
from flowforge.local.emulator import Emulator
from flowforge.local.errors import LocalStackError
from flowforge.local.fork_server import fork_server
from flowforge.local.function_logs import FunctionLogs
from flowforge.local.functions import FunctionBackend, FunctionCaller, FunctionHost
from flowforge.local.http_server import BackgroundServer, endpoint_of, listen
from flowforge.local.lambda_api import invoke_route
from flowforge.local.leftovers import end_processes, mark_of, processes_of_stack
from flowforge.local.loopback import bypass_proxies
from flowforge.local.project import TEMPLATE_NAME
from flowforge.local.queue_polling import QueuePoller
from flowforge.local.reaper import Reaper
from flowforge.local.resources import BucketSpec
from flowforge.local.sandbox import INIT_SECONDS, SandboxSettings
from flowforge.local.scheduler import BackgroundScheduler, Scheduler, StackSender
from flowforge.local.stack_database import StackDatabase
from flowforge.local.stack_file import StackFile
from flowforge.local.stack_log import stack_log
from flowforge.local.state_folder import StateFolder
from flowforge.local.state_lock import hold
from flowforge.local.states.api import states_route
from flowforge.local.states.clock import Clock
from flowforge.local.states.integrations import Integration, LambdaInvoke, function_name
from flowforge.local.states.journal import FolderJournal
from flowforge.local.states.run_task import RunTaskAndWait
from flowforge.local.states.service import StatesService
from flowforge.local.states.service_integrations import service_integrations
from flowforge.local.states.status_events import StatusEvents
from flowforge.local.supervisor import Supervisor
from flowforge.local.template import StateMachineSpec, Template, is_function
from flowforge.local.template_reader import read_template
from flowforge.metadata.variables import URL_VARIABLE

DATA_BUCKET = "flowforge-dev-data"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/flowforge-local"
# What the template asks of an account (its parameters), as it is on a laptop.
TEMPLATE_PARAMETERS = {
    "Stage": STAGE,
    "DataBucketName": DATA_BUCKET,
    # DATABASE_URL leads to the database of a laptop.
    **dict.fromkeys(("DatabaseHost", "DatabasePort", "DatabaseName", "DatabaseSecretArn"), ""),
}
EMULATOR_CHUNK_BYTES = str(32 << 20)
"""The emulator reads a whole object from disk for each range that is asked of it, so ranges had better be few."""


class LocalStack(StackConnection):
    """Everything that the product needs of AWS, on this machine. A context manager; inside the block, all of it runs.

    ``project`` holds the template; ``state`` is the folder where data, logs and caches stay; ``shared`` lets other commands
    use the stack; ``pace`` is the time of asynchronous retries and ``clock`` that of schedules;
    ``parameters`` are values of the template's parameters beside those of a laptop; ``served`` serves something over the
    finished stack, and tells what to add to its endpoints; ``backend`` makes, of the function host, what
    runs functions instead of it, such as containers. Raises LocalStackError where another process uses the state folder, or
    something does not start; whatever had been started is ended then.
    """

    def __init__(
        self,
        project: Path,
        state: Path,
        *,
        shared: bool = False,
        pace: Pace | None = None,
        clock: Clock | None = None,
        parameters: Mapping[str, str] | None = None,
        served: Callable[[StackConnection], AbstractContextManager[Mapping[str, str]]] | None = None,
        backend: Callable[[FunctionHost], FunctionBackend] | None = None,
    ) -> None:
        super().__init__({}, DATA_BUCKET, "")
        self._project = project.resolve()
        self._folder = StateFolder(state.resolve())
        self._shared = shared
        self._pace = pace
        self._clock = clock
        self._parameters = {**TEMPLATE_PARAMETERS, **(parameters or {})}
        self._served = served
        self._backend = backend
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as cleanup:
            self._start(cleanup)
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._cleanup.close()

    def _start(self, cleanup: ExitStack) -> None:
        bypass_proxies()
        folder = self._folder
        cleanup.enter_context(hold(folder))
        cleanup.enter_context(stack_log(folder.stack_log))
        # The lock is ours, so whoever carries this folder's mark was left by a stack that was killed.
        end_processes(processes_of_stack(folder.root))
        shutil.rmtree(folder.root / "tmp", ignore_errors=True)
        reaper = Reaper(mark_of(folder.root))
        cleanup.callback(reaper.close)
        forks = cleanup.enter_context(fork_server(folder, reaper))
        emulator = Emulator(folder.root, reaper, project=self._project, mark=mark_of(folder.root))
        self.endpoints["aws"] = emulator.endpoint
        template = read_template(
            self._project / TEMPLATE_NAME,
            parameters=self._parameters,
            environment={BUCKET_VARIABLE: self.data_bucket, "POLARS_CSV_CHUNK_SIZE": EMULATOR_CHUNK_BYTES},
            endpoint=emulator.endpoint,
        )
        machine = _only(template.state_machines)
        cleanup.callback(emulator.stop)
        emulator.start()
        # Everything below starts while the emulator loads.
        database = None
        if template.declares(URL_VARIABLE):
            database = StackDatabase(folder.root, reaper, mark_of(folder.root))
            cleanup.callback(database.close)
            self.endpoints[DATABASE] = database.start()
            # The steps never talk to the database, so their environment does not lead to it.
            template = template.with_variable(URL_VARIABLE, self.endpoints[DATABASE])
        cloudwatch = CloudWatch(template.log_groups(), self.client)
        cleanup.callback(cloudwatch.close)
        logs = FunctionLogs(folder.logs, cloudwatch.send)
        cleanup.callback(logs.close)
        # Functions call these APIs too, so their processes have to know the address before anything is served there.
        listener = listen()
        cleanup.callback(listener.close)
        self.endpoints |= dict.fromkeys(OWN_SERVICES, endpoint_of(listener))
        self.endpoints["athena"] += ATHENA_PATH
        environment = {name: value for name, value in self.environment().items() if name != URL_VARIABLE}
        environment |= mark_of(folder.root)
        settings = SandboxSettings(folder.root, environment, reaper, logs, forks)
        functions = FunctionHost(template.functions, settings)
        cleanup.callback(functions.close)
        self._start_apis(cleanup, functions, template, settings, listener)
        for service in ("s3", "stepfunctions", "sqs", "events"):
            self.client(service)
        _warm(functions, template)
        emulator.wait_ready()
        self._create_declared(template)
        if database is not None:
            database.make_ready()
        cloudwatch.start()
        self._create_state_machine(machine)
        server = None if database is None else database.server
        supervisor = Supervisor(emulator, reaper, functions, lambda: self._create_declared(template), server)
        cleanup.callback(supervisor.close)
        for spec in template.functions:
            for mapping in spec.queues:
                cleanup.callback(QueuePoller(spec.name, mapping, functions, self.client).close)
        scheduler = Scheduler(template.schedules, StackSender(self.client), self._clock)
        cleanup.callback(BackgroundScheduler(scheduler).close)
        if database is not None and database.has_open_runs():
            # What an earlier stack left open is looked at now, and not when its time comes.
            scheduler.fire_now(spec for spec in template.schedules if is_function(spec.target_arn))
        if self._shared:
            # Whoever keeps a stack wants its first execution to be as quick as the others.
            functions.wait_loaded(seconds=INIT_SECONDS)
        if self._served is not None:
            self.endpoints |= cleanup.enter_context(self._served(self))
        StackFile.of(self, shared=self._shared).write(folder.stack_file)
        cleanup.callback(folder.stack_file.unlink, missing_ok=True)

    def _start_apis(
        self,
        cleanup: ExitStack,
        functions: FunctionHost,
        template: Template,
        settings: SandboxSettings,
        listener: socket.socket,
    ) -> None:
        tasks = TaskHost(template.clusters, template.task_definitions, settings)
        cleanup.callback(tasks.close)
        caller = FunctionCaller(self._backend(functions) if self._backend else functions)
        cleanup.callback(caller.close)
        status = StatusEvents(self.client)
        cleanup.callback(status.close)
        integrations: list[Integration] = [LambdaInvoke(caller), RunTaskAndWait(tasks), *service_integrations(self.client)]
        journal = FolderJournal(self._folder.executions)
        service = StatesService(integrations, journal=journal, on_status=status)
        events = EventQueue(template.functions, caller, Destinations(self.client), self._folder.events, self._pace)

        async def stop() -> None:
            await service.close()
            await events.close()

        athena = AthenaService(Engine(self.client, self._folder.root / "tmp"))
        cleanup.callback(athena.close)
        routes = [states_route(service), invoke_route(caller, function_name, events), athena_route(athena)]
        cleanup.callback(BackgroundServer(routes, stop, events.start, listener).close)

    def _create_declared(self, template: Template) -> None:
        create_bucket(BucketSpec(self.data_bucket, versioned=True, tells_events=True), self.client("s3"))
        create_declared(template.resources, self.client)

    def _create_state_machine(self, machine: StateMachineSpec) -> None:
        states = self.client("stepfunctions")
        try:
            answer = states.create_state_machine(
                name=machine.name, definition=machine.definition(), roleArn=ROLE_ARN, publish=machine.alias is not None
            )
            if machine.alias is not None:
                version = {"stateMachineVersionArn": answer["stateMachineVersionArn"], "weight": 100}
                states.create_state_machine_alias(name=machine.alias, routingConfiguration=[version])
        except ClientError as error:
            raise LocalStackError(f"{machine.definition_path}: {error.response['Error']['Message']}") from error
        self.state_machine_arn = answer["stateMachineArn"]


def _warm(functions: FunctionHost, template: Template) -> None:
    """Start what queues and the state machine call: what a schedule calls now and then has the time to load, and what a load
    balancer or CloudFormation calls is not called.
    """
    named = {value.rpartition(":")[0] for machine in template.state_machines for value in machine.substitutions.values()}
    functions.warm(spec.name for spec in template.functions if spec.queues or spec.arn in named)


def _only(machines: tuple[StateMachineSpec, ...]) -> StateMachineSpec:
    if len(machines) != 1:
        names = ", ".join(machine.name for machine in machines) or "none"
        raise LocalStackError(f"the local stack runs one state machine, and the template declares: {names}")
    return machines[0]
