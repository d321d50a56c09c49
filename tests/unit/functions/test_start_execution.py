"""The handler of the start queue: each message by itself, and only those that failed come again."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from flowforge.local.project import find_project
from flowforge.model.errors import RetryLater
from flowforge.orchestration.start_messages import Handled

PATH = find_project() / "functions" / "start_execution" / "handler.py"
CONTEXT = SimpleNamespace(
    function_name="StartExecution", memory_limit_in_mb=512, invoked_function_arn="arn", aws_request_id="r-1"
)


class Script:
    """Handles a message as its body says."""

    def __init__(self) -> None:
        self.bodies: list[str] = []

    def handle(self, body: str) -> Handled:
        self.bodies.append(body)
        if body == "busy":
            raise RetryLater("Step Functions answered ThrottlingException")
        if body == "broken":
            raise KeyError("a fault of ours")
        return Handled(fault="ConfigFault: no") if body == "poison" else Handled()


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    for name in ("FLOWFORGE_DATA_BUCKET", "FLOWFORGE_STATE_MACHINE_ARN", "FLOWFORGE_START_REQUESTS_DLQ_URL"):
        monkeypatch.setenv(name, "none")
    monkeypatch.setenv("DATABASE_URL", "postgresql://flowforge:none@127.0.0.1:1/none")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    spec = importlib.util.spec_from_file_location("start_execution_handler", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def batch(*bodies: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((Path(PATH).parents[2] / "events" / "start_execution.json").read_text())
    (record,) = event["Records"]
    return {"Records": [{**record, "messageId": f"m-{body}", "body": body} for body in bodies]}


@pytest.mark.parametrize(
    ("bodies", "again"),
    [
        (("good",), []),
        (("good", "busy", "poison", "broken"), ["m-busy", "m-broken"]),
        (("busy",), ["m-busy"]),
        (("poison",), []),
    ],
)
def test_only_messages_that_failed_come_again(handler: ModuleType, bodies: tuple[str, ...], again: list[str]) -> None:
    script = Script()
    vars(handler)["messages"] = script
    answer = handler.handle(batch(*bodies), CONTEXT)
    assert sorted(script.bodies) == sorted(bodies)
    assert [item["itemIdentifier"] for item in answer["batchItemFailures"]] == again
