"""The shipped state machine, and functions that behave as the product's do."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from flowforge.local.project import find_project
from flowforge.local.stack import TEMPLATE_PARAMETERS
from flowforge.local.states.errors import StateError
from flowforge.local.states.fields import ArgumentNames
from flowforge.local.states.integrations import Call, Integration
from flowforge.local.states.run_task import RunTaskAndWait
from flowforge.local.states.service_integrations import GetObject
from flowforge.local.states.visit import Place, ignore_place
from flowforge.local.template_reader import read_template
from unit.local.states_lab import Behaviour, Ended, run

RunWorkflow = Callable[..., Ended]
STEPS = ("bronze_ingest", "silver_transform", "gold_publish")


def planned(job_id: str, steps: Sequence[str] = STEPS, **tiers: str) -> dict[str, Any]:
    """A job as the plan gives it, with the steps that it takes: they begin on Lambda but for those named."""
    size = {"cpu": "2048", "memory": "8192"}
    return {"jobId": job_id, "tiers": {step: {"tier": tiers.get(step, "lambda"), **size} for step in steps}}


INPUT = {"workflowId": "wf_shop"}
TWO_GROUPS = [[planned("job_a"), planned("job_b")], [planned("job_c")]]


@dataclass
class ScriptedWorker:
    """``ecs:runTask.sync`` without a task: each step of a job ends as its script says, the last line again and again.

    A line is an exit code, the reason why a task did not start or was taken away, or a StateError of RunTask's own.
    """

    script: Mapping[tuple[str, str], Sequence[int | str | StateError]] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)
    arn = RunTaskAndWait.arn
    resource_type = RunTaskAndWait.resource_type
    resource = RunTaskAndWait.resource
    names: ArgumentNames = RunTaskAndWait.names

    def steps(self) -> list[tuple[str, str]]:
        """The job and the step of each request."""
        return [self._asked(request) for request in self.requests]

    async def call(self, call: Call) -> Any:
        self.requests.append(call.arguments)
        asked = self._asked(call.arguments)
        lines = self.script.get(asked, [0])
        line = lines[min(self.steps().count(asked), len(lines)) - 1]
        if isinstance(line, StateError):
            raise line
        call.submitted({})
        container = {"Name": "worker", "LastStatus": "STOPPED"} | ({"ExitCode": line} if isinstance(line, int) else {})
        task = {"Containers": [container], "StopCode": line if isinstance(line, str) else "EssentialContainerExited"}
        if line == 0:
            return task
        raise StateError("States.TaskFailed", json.dumps(task))

    @staticmethod
    def _asked(arguments: Mapping[str, Any]) -> tuple[str, str]:
        [container] = arguments["Overrides"]["ContainerOverrides"]
        command = container["Command"]
        options = dict(zip(command[::2], command[1::2], strict=True))
        return options["--job"], options["--step"]


@dataclass
class StoredResults:
    """``aws-sdk:s3:getObject`` that finds every object, or fails."""

    error: StateError | None = None
    keys: list[str] = field(default_factory=list)
    arn = GetObject.arn
    resource_type = GetObject.resource_type
    resource = GetObject.resource
    names: ArgumentNames = GetObject.names

    async def call(self, call: Call) -> Any:
        self.keys.append(call.arguments["Key"])
        if self.error:
            raise self.error
        return {"Body": "{}"}


def plan(groups: Any = None) -> dict[str, Any]:
    """The answer of the function that plans."""
    return {"executionId": "run", "planKey": "runs/run/plan.json", "groups": TWO_GROUPS if groups is None else groups}


def record(request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of the function that records."""
    event = request["event"]
    if event["kind"] == "job_failed":
        return {"key": f"runs/run/{event['jobId']}/error.json", "error": None, "cause": None}
    failed = event["status"] == "failed"
    return {
        "key": "runs/run/record.json",
        "error": (event.get("error") or "JobsFailed") if failed else None,
        "cause": (event.get("cause") or "see the jobs") if failed else None,
    }


@pytest.fixture(scope="session")
def shipped() -> str:
    """The definition as it is deployed."""
    template = read_template(find_project() / "template.yaml", parameters=TEMPLATE_PARAMETERS, environment={})
    return template.state_machines[0].definition()


@pytest.fixture(scope="session")
def run_workflow(shipped: str) -> RunWorkflow:
    """Runs the shipped machine; a test names the functions that behave otherwise than they should."""

    def start(
        observe: Callable[[Place], None] = ignore_place,
        worker: ScriptedWorker | None = None,
        results: StoredResults | None = None,
        given: Any = INPUT,
        **functions: Behaviour,
    ) -> Ended:
        steps = {name: {"status": "done"} for name in ("BronzeIngest", "SilverTransform", "GoldPublish")}
        script = {"PlanExecution": plan(), **steps, "RecordEvent": record, **functions}
        others: list[Integration] = [worker or ScriptedWorker(), results or StoredResults()]
        return run(shipped, given, script, observe=observe, others=others)

    return start
