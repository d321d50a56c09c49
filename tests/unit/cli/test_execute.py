"""Files land and an execution starts as any client of the product would do it."""

import json
import re
from pathlib import Path

import boto3
import pytest
from botocore.stub import ANY, Stubber
from moto import mock_aws

from flowforge.cli.execute import land, new_execution_id, start
from flowforge.lake.lake import Lake
from flowforge.model.workflow import ArrivalTrigger, Workflow, read_workflow


def test_an_execution_id_tells_its_time_and_is_never_the_same() -> None:
    ids = {new_execution_id() for _ in range(50)}
    assert len(ids) == 50
    assert all(re.fullmatch(r"exec_\d{13}_[a-z0-9]{6}", execution_id) for execution_id in ids)


@pytest.mark.parametrize("triggers", [(), (ArrivalTrigger(type="arrival"),)])
def test_the_files_and_the_definition_without_its_triggers_are_stored(
    shop: Workflow, triggers: tuple[ArrivalTrigger, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    (tmp_path / "a.csv").write_text("id\n1\n")
    with mock_aws():
        session = boto3.session.Session(region_name="us-east-1")
        lake = Lake.connect("data", session)
        lake.client.create_bucket(Bucket="data")
        land(lake, shop.model_copy(update={"triggers": triggers}), {"job_a": {"landing/wf_shop/job_a/a.csv": tmp_path / "a.csv"}})
        stored, _ = lake.read("workflows/wf_shop.json") or (b"", "")
        landed, _ = lake.read("landing/wf_shop/job_a/a.csv") or (b"", "")
    assert read_workflow(json.loads(stored), origin="stored") == shop
    assert landed == b"id\n1\n"


def test_the_execution_is_told_its_files_in_order(shop: Workflow) -> None:
    client = boto3.client("stepfunctions", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    arn = "arn:aws:states:us-east-1:123456789012:execution:machine:exec_1"
    given = {"workflowId": "wf_shop", "files": {"job_a": ["z", "a"]}}
    with Stubber(client) as service:
        service.add_response(
            "start_execution",
            {"executionArn": arn, "startDate": 0},
            {"stateMachineArn": "arn:machine", "name": "exec_1", "input": ANY},
        )
        client.meta.events.register(
            "before-parameter-build.sfn.StartExecution", lambda params, **_: inputs.append(json.loads(params["input"]))
        )
        inputs: list[object] = []
        assert start(client, "arn:machine", "exec_1", shop, {"job_a": {"z": Path("z"), "a": Path("a")}}) == arn
    assert inputs == [given]
