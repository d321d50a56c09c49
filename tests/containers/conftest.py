"""One execution of the sample workflow by `sam local invoke`, and the same steps on the host, against one local S3.

Both start from the same files and the same plan, in a bucket each.
"""

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from sqlalchemy import make_url

from containers.harness import BUILT, CREDENTIALS, FUNCTIONS, REGION, ROOT, SAM, Invoke, Machine, Runs, event, sample
from containers.relay import Relay, relayed
from databases import ANNA, Server
from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.local.emulator import Emulator
from flowforge.local.reaper import Reaper
from flowforge.local.sample_data import write_sample
from flowforge.metadata.workflow_saving import save_workflow
from flowforge.model.environment import Environment
from flowforge.model.plan import PlanRequest
from flowforge.model.step import Step, StepRequest, StepResult
from flowforge.model.workflow import Workflow
from flowforge.orchestration.planning import plan_execution
from flowforge.steps.run_step import run_step

INVOKE_SECONDS = 180


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """The local stack's S3."""
    reaper = Reaper()
    emulator = Emulator(tmp_path_factory.mktemp("emulator"), reaper)
    try:
        emulator.start()
        emulator.wait_ready()
        yield emulator
    finally:
        emulator.stop()
        reaper.close()


@pytest.fixture(scope="session")
def make_lake(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Lake]:
    """Makes a bucket in which the sample has landed."""
    session = boto3.session.Session(
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder)

    def make(bucket: str) -> Lake:
        lake = Lake.connect(bucket, session, endpoint_url=emulator.endpoint)
        lake.client.create_bucket(Bucket=bucket)
        land(lake, sample(), folder)
        return lake

    return make


def land(lake: Lake, workflow: Workflow, folder: Path) -> None:
    for job in workflow.jobs:
        for file in sorted(folder.glob(job.source_config.file_config.file_pattern)):
            key = keys.landing_key(workflow.id, job.id, file.name)
            lake.client.put_object(Bucket=lake.bucket, Key=key, Body=file.read_bytes())


@pytest.fixture(scope="session")
def container_lake(make_lake: Callable[[str], Lake]) -> Lake:
    return make_lake("in-containers")


@pytest.fixture(scope="session")
def host_lake(make_lake: Callable[[str], Lake]) -> Lake:
    return make_lake("on-the-host")


@pytest.fixture(scope="session")
def worker_lake(make_lake: Callable[[str], Lake]) -> Lake:
    return make_lake("in-the-worker")


@pytest.fixture(scope="session")
def database_name(postgres: Server) -> str:
    """An empty database of this machine's PostgreSQL."""
    return postgres.create()


@pytest.fixture(scope="session")
def relay(emulator: Emulator, postgres: Server) -> Iterator[Relay]:
    """The way from containers to the emulator, and to PostgreSQL."""
    with relayed(emulator.port, make_url(postgres.url).port or 5432) as relay:
        yield relay


@pytest.fixture(scope="session")
def database_url(relay: Relay, postgres: Server, database_name: str) -> str:
    """Where containers find the database. On another address than the loopback's, its server has to do without TLS by name."""
    ((host, port),) = relay.others
    url = make_url(postgres.url).set(host=host, port=port, database=database_name, query={"sslmode": "disable"})
    return url.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def machine(emulator: Emulator) -> Machine:
    """A state machine that does nothing, and the queue for what cannot be started, both in the emulator."""
    session = boto3.session.Session(
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )
    states = session.client("stepfunctions", endpoint_url=emulator.endpoint)
    definition = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
    arn = states.create_state_machine(
        name="workflow", definition=json.dumps(definition), roleArn="arn:aws:iam::000000000000:role/none"
    )["stateMachineArn"]
    queues = session.client("sqs", endpoint_url=emulator.endpoint)
    start, dead = (str(queues.create_queue(QueueName=name)["QueueUrl"]) for name in ("start-requests", "start-requests-dlq"))
    return Machine(arn, start, dead, states)


@pytest.fixture(scope="session")
def variables(container_lake: Lake, relay: Relay, machine: Machine, database_url: str) -> dict[str, str]:
    """What leads the functions to this machine's services."""
    return {
        "FLOWFORGE_DATA_BUCKET": container_lake.bucket,
        "AWS_ENDPOINT_URL": relay.url,
        "DATABASE_URL": database_url,
        "FLOWFORGE_STATE_MACHINE_ARN": machine.arn,
        "FLOWFORGE_START_REQUESTS_URL": machine.start_requests_url,
        "FLOWFORGE_START_REQUESTS_DLQ_URL": machine.dead_letters_url,
    }


@pytest.fixture(scope="session")
def invoke(variables: dict[str, str], relay: Relay, tmp_path_factory: pytest.TempPathFactory) -> Invoke:
    """Runs a function by `sam local invoke` with the sample event of that name; the answer is what it answered."""
    assert (BUILT / "template.yaml").is_file(), "nothing is built: run `make test-containers`"
    given = tmp_path_factory.mktemp("sam") / "variables.json"
    given.write_text(json.dumps({"Parameters": variables}))

    def run(function: str, name: str) -> Any:
        command = [str(SAM), "local", "invoke", function, "--event", f"events/{name}.json"]
        done = subprocess.run(
            [*command, "--env-vars", str(given), "--docker-network", relay.network],
            cwd=ROOT,
            env={**os.environ, **CREDENTIALS, "AWS_DEFAULT_REGION": REGION, "SAM_CLI_TELEMETRY": "0"},
            capture_output=True,
            text=True,
            timeout=INVOKE_SECONDS,
            check=False,
        )
        assert done.returncode == 0 and done.stdout.strip(), done.stderr  # noqa: PT018  # no answer: it timed out
        answer = json.loads(done.stdout.strip().splitlines()[-1])
        assert "errorType" not in answer, f"{answer}\n{done.stderr}"
        return answer

    return run


@pytest.fixture(scope="session")
def upgraded(invoke: Invoke) -> Any:
    """What UpgradeDatabase answered in its container."""
    return invoke("UpgradeDatabase", "upgrade_database")


@pytest.fixture(scope="session")
def stored_sample(upgraded: Any, postgres: Server, database_name: str) -> str:
    """The sample workflow lies in the database that the container has upgraded; its id."""
    assert upgraded["after"]
    with postgres.opened(database_name) as database, database.transaction() as connection:
        return save_workflow(connection, ANNA, Environment.DEV, sample()).id


@pytest.fixture(scope="session")
def planned(invoke: Invoke, stored_sample: str) -> Any:
    """What PlanExecution answered in its container; the plan lies in the containers' bucket."""
    assert stored_sample
    return invoke("PlanExecution", "plan_execution")


@pytest.fixture(scope="session")
def on_host(host_lake: Lake) -> Mapping[Step, StepResult]:
    """Bronze, Silver and Gold of one job on the host."""
    plan_execution(PlanRequest.model_validate(event("plan_execution")), host_lake, sample)
    return {step: run_step(StepRequest.model_validate(event(step.value)), host_lake) for step in FUNCTIONS}


@pytest.fixture(scope="session")
def runs(planned: Any, invoke: Invoke, container_lake: Lake, on_host: Mapping[Step, StepResult], host_lake: Lake) -> Runs:
    """The same steps in the containers and on the host."""
    assert planned
    return Runs(
        container={step: StepResult.model_validate(invoke(function, step.value)) for step, function in FUNCTIONS.items()},
        container_lake=container_lake,
        host=on_host,
        host_lake=host_lake,
    )
