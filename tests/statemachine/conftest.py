"""The shipped state machine, and functions that behave as the product's do."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from flowforge.local.project import find_project
from flowforge.local.stack import TEMPLATE_PARAMETERS
from flowforge.local.states.visit import Place, ignore_place
from flowforge.local.template_reader import read_template
from unit.local.states_lab import Behaviour, Ended, run

RunWorkflow = Callable[..., Ended]
TWO_GROUPS = [[{"jobId": "job_a"}, {"jobId": "job_b"}], [{"jobId": "job_c"}]]


def plan(groups: Any = None) -> dict[str, Any]:
    """The answer of the function that plans."""
    return {"planKey": "runs/run/plan.json", "groups": TWO_GROUPS if groups is None else groups}


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

    def start(observe: Callable[[Place], None] = ignore_place, **functions: Behaviour) -> Ended:
        steps = {name: {"status": "done"} for name in ("BronzeIngest", "SilverTransform", "GoldPublish")}
        script = {"PlanExecution": plan(), **steps, "RecordEvent": record, **functions}
        return run(shipped, {"workflowId": "wf_shop"}, script, observe=observe)

    return start
