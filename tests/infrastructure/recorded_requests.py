"""The steps and the functions of the control plane, run with every request to a service written down at the edge of HTTP.

Requests are seen on the wire, because the engine of the steps reads and writes without botocore.
"""

import importlib.util
import json
import urllib.request
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest
from sqlalchemy import text

from balancer_events import answered, request
from databases import ANNA
from disturbed_runs import STEPS, prepared, prepared_with_lookup
from flowforge.lake import keys
from flowforge.lake.catalog import Catalog
from flowforge.lake.lake import Lake
from flowforge.metadata.audit import SYSTEM
from flowforge.metadata.database import Database
from flowforge.metadata.purge import data_of_deleted
from flowforge.metadata.run_state import request_cancel
from flowforge.metadata.tokens import create_token
from flowforge.metadata.wishes import admit, mark_started, take_wish
from flowforge.metadata.workflow_saving import save_workflow
from flowforge.metadata.workflows import update_workflow
from flowforge.model.environment import Environment
from flowforge.model.errors import CommitConflict, FlowForgeError
from flowforge.model.execution import StepFailure
from flowforge.model.exit_codes import ExitCode
from flowforge.model.plan import ExecutionInput
from flowforge.model.replay import ReplayedRow
from flowforge.model.role import Role
from flowforge.model.silver_config import MergeStrategy
from flowforge.model.start import StartRequest, Trigger, TriggerType
from flowforge.model.step import Step
from flowforge.model.workflow import read_workflow
from flowforge.model.workflow_settings import Concurrency, WorkflowSettings
from flowforge.orchestration.machine import Machine
from flowforge.web.routes import uploads
from infrastructure.permission import Permission
from infrastructure.wire_permissions import needed
from lab import DAWN, JOB_ID, WORKFLOW_ID, Lab, Run, create_bucket
from s3_faults import answering
from s3_proxy import FaultyProxy, Seen

ROOT = Path(__file__).parents[2]
CONTEXT = SimpleNamespace(function_name="F", memory_limit_in_mb=512, invoked_function_arn="arn", aws_request_id="r-1")
STARTED = DAWN.isoformat()


def asked_by_steps(proxy: FaultyProxy, aws: boto3.session.Session) -> dict[Step, set[Permission]]:
    """What each step needed in runs of every strategy, undisturbed and after a lost race."""
    found: dict[Step, set[Permission]] = {step: set() for step in Step}
    # One that keeps runs apart and one that keeps a single object, with its archive.
    for strategy in (MergeStrategy.APPEND, MergeStrategy.VERSIONED, MergeStrategy.MERGE):
        lake = Lake.connect(f"data-roles-{strategy.value}", aws, endpoint_url=proxy.url)
        create_bucket(lake)
        lake.catalog = Catalog.connect(f"roles_{strategy.value}", aws, endpoint_url=proxy.url)
        run = prepared(lake, strategy, Step.BRONZE_INGEST)
        for step in STEPS:
            found[step] |= needed(seen(proxy, partial(lose, lake, run, step)), {})
            found[step] |= needed(seen(proxy, partial(run.step, step)), {})
    lake = Lake.connect("data-roles-lookup", aws, endpoint_url=proxy.url)
    create_bucket(lake)
    looking_up = prepared_with_lookup(lake)
    # The first publish, which is lost, is that of what the run keeps of the other table.
    found[Step.SILVER_TRANSFORM] |= needed(seen(proxy, partial(lose, lake, looking_up, Step.SILVER_TRANSFORM)), {})
    found[Step.SILVER_TRANSFORM] |= needed(seen(proxy, partial(looking_up.step, Step.SILVER_TRANSFORM)), {})
    [quarantine] = run.lab.keys_below("quarantine/shop/orders/2")[-1:]
    again = run.lab.replay(quarantine, ReplayedRow(number=1))
    found[Step.BRONZE_INGEST] |= needed(seen(proxy, again.bronze), {})
    return found


def seen(proxy: FaultyProxy, act: Callable[[], object]) -> list[Seen]:
    """The requests that an act makes."""
    proxy.seen.clear()
    act()
    return list(proxy.seen)


def lose(lake: Lake, run: Run, step: Step) -> None:
    """Run a step whose publish is refused each time."""
    with answering(lake, "CompleteMultipartUpload", 412, "PreconditionFailed"), pytest.raises(CommitConflict):
        run.step(step)


def handler_of(function: str) -> ModuleType:
    """The handler of a function, loaded anew, as Lambda does."""
    spec = importlib.util.spec_from_file_location(f"{function}_handler", ROOT / "functions" / function / "handler.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def called(handler: ModuleType, *events: Any) -> None:
    """Call a handler with events; a fault of the product's own is an answer like any other."""
    for event in events:
        try:
            handler.handle(event, CONTEXT)
        except FlowForgeError:
            continue


def plan_everything(lab: Lab, handler: ModuleType) -> None:
    """Plan a first run and one that begins with a contract, by arrival and by hand, again, and where nothing can be planned."""
    landed = lab.land("orders.csv", "id,amount\n1,2.50\n")
    other = lab.land("others.csv", "id,amount\n2,2.50\n")
    lab.plan(landed).silver()

    def request(name: str, workflow_id: str = WORKFLOW_ID, **given: Any) -> dict[str, Any]:
        return {"executionId": name, "startedAt": STARTED, "input": {"workflowId": workflow_id, **given}}

    chosen = request("by_hand", files={JOB_ID: [other]})
    gone = request("gone", files={JOB_ID: [f"{keys.landing_prefix(WORKFLOW_ID, JOB_ID)}gone.csv"]})
    called(handler, request("by_arrival"), request("by_arrival"), chosen, gone, request("nobody", "wf_nobody"))


def record_everything(lab: Lab, handler: ModuleType) -> None:
    """Record failures of a function and of a task, ends of executions, one of which was waited for, and what a queue brings."""
    task = {"Containers": [{"Name": "worker", "ExitCode": ExitCode.DATA_FAULT.value}]}
    left = StepFailure(
        execution_id="run",
        job_id=JOB_ID,
        step=Step.GOLD_PUBLISH,
        error="DataFault",
        message="row 3",
        exit_code=ExitCode.DATA_FAULT,
    )
    lab.lake.overwrite(keys.failure_key("run", JOB_ID, Step.GOLD_PUBLISH), left.to_json())
    with Database.from_environment().transaction() as connection:
        for key in ("run", "waiting"):
            admit(connection, take_wish(connection, wish(key), key)[0].id)

    def failed(error: str, cause: Any) -> dict[str, Any]:
        told = {"executionId": "run", "jobId": JOB_ID, "step": "gold_publish", "error": error, "cause": json.dumps(cause)}
        return {"event": {"kind": "job_failed", **told}}

    def ended(status: str, **told: Any) -> dict[str, Any]:
        return {"event": {"kind": "execution_ended", "executionId": "run", "status": status, **told}}

    jobs = [{"jobId": JOB_ID, "status": "failed", "errorKey": keys.job_error_key("run", name)} for name in (JOB_ID, "gone")]
    called(
        handler,
        failed("DataFault", {"errorMessage": "row 3"}),
        failed("States.TaskFailed", task),
        ended("succeeded"),
        ended("failed", jobs=jobs),
        ended("failed", error="ConfigFault", cause="no such workflow"),
        messages(created(lab, keys.result_key("exec_1", JOB_ID, Step.BRONZE_INGEST)), changed("run", "FAILED")),
    )


def reconcile_everything(lab: Lab, handler: ModuleType) -> None:
    """Compare one that ended unheard, one that is to stop, one that was never started, and one that nobody runs."""
    lab.plan(lab.land("orders.csv", "id,amount\n1,2.50\n"))
    machine = handler.starter.machine
    database = Database.from_environment()
    with database.transaction() as connection:
        update_workflow(connection, ANNA, WORKFLOW_ID, version=1, settings=WorkflowSettings(concurrency=Concurrency.PARALLEL))
        for name in ("ended", "stopping", "lost", "nobody"):
            found, _ = take_wish(connection, wish(name), name)
            admit(connection, found.id)
            if name in ("ended", "stopping"):
                given = ExecutionInput(workflow_id=WORKFLOW_ID, rebuild=JOB_ID if name == "stopping" else None)
                machine.start(name, given)
            if name != "lost":
                mark_started(connection, found.id)
        request_cancel(connection, "stopping", "anna")
    with database.transaction() as connection:
        connection.execute(text("UPDATE executions SET updated_at = now() - interval '1 hour'"))
        connection.execute(text("UPDATE start_wishes SET decided_at = now() - interval '1 hour' WHERE status <> 'waiting'"))
    with database.transaction() as connection:
        take_wish(connection, wish("later"), "later")
    called(handler, {}, {})


def start_everything(lab: Lab, handler: ModuleType) -> None:
    """Take a wish, the same again, files that are one and none, and messages that nobody can do anything about."""
    told = json.loads(wish("k").to_json())
    arrival = created(lab, keys.landing_key(WORKFLOW_ID, JOB_ID, "orders.csv"))
    called(handler, messages(told, told, arrival, "poison", {**told, "workflowId": "wf_nobody"}))


def messages(*bodies: Any) -> dict[str, Any]:
    """A batch of a queue."""
    event = json.loads((ROOT / "events" / "start_execution.json").read_text())
    (record,) = event["Records"]
    return {"Records": [{**record, "messageId": f"m-{n}", "body": json.dumps(body)} for n, body in enumerate(bodies)]}


def created(lab: Lab, key: str) -> dict[str, Any]:
    """The event of an object that was created."""
    detail = {"bucket": {"name": lab.lake.bucket}, "object": {"key": key, "version-id": "1"}}
    return {"detail-type": "Object Created", "source": "aws.s3", "detail": detail}


def changed(name: str, status: str) -> dict[str, Any]:
    """The event of an execution whose status changed."""
    detail = {"name": name, "status": status, "startDate": 1_700_000_000_000, "stopDate": 1_700_000_060_000}
    return {"detail-type": "Step Functions Execution Status Change", "source": "aws.states", "detail": detail}


def wish(key: str) -> StartRequest:
    """A wish to run the workflow."""
    return StartRequest(workflow_id=WORKFLOW_ID, idempotency_key=key, trigger=Trigger(type=TriggerType.MANUAL))


def store_workflow(lab: Lab) -> None:
    """Put the workflow into the database that the functions find."""
    with Database.from_environment().transaction() as connection:
        save_workflow(connection, ANNA, Environment.DEV, read_workflow(lab.definition(), origin="the test"))


def serve_everything(lab: Lab, handler: ModuleType) -> None:
    """Upload by form and by parts, give one up, look at what landed, remove a file, and remove a deleted workflow's data."""
    database = Database.from_environment()
    with database.transaction() as connection:
        token = create_token(connection, SYSTEM, "roles", Role.ADMIN, Environment.DEV).secret

    def ask(method: str, path: str, body: Any = None, **headers: str) -> Any:
        answer = handler.handle(request(token, method, path, body, **headers), CONTEXT)
        assert answer["statusCode"] < HTTPStatus.BAD_REQUEST, answer
        return answered(answer)

    def begin(name: str, size: int) -> Any:
        return ask("POST", "/api/upload", {"workflowId": "wf_web", "jobId": "orders", "fileName": name, "size": size})

    def complete(upload: Any) -> None:
        ask("POST", f"/api/upload/{upload['uploadId']}/complete")

    ask("POST", "/api/workflows", {"id": "wf_web", "name": "Web", "jobs": [{"id": "orders", "name": "Web orders"}]})
    content = b"id,amount\n1,2.50\n"
    form = begin("orders.csv", len(content))
    post_form(form["form"], content)
    complete(form)
    with pytest.MonkeyPatch.context() as patch:
        # In parts from the first byte on, rather than from 100 MB.
        patch.setattr(uploads, "FORM_BYTES", 0)
        large, never = begin("large.csv", len(content)), begin("never.csv", len(content))
    [part] = large["parts"]["urls"]
    put(part["url"], content)
    complete(large)
    ask("DELETE", f"/api/upload/{never['uploadId']}")
    handle_runs(ask)
    ask("GET", "/api/workflows/wf_web/landing-files")
    ask("DELETE", "/api/workflows/wf_web/landing-files/orders/orders.csv")
    ask("DELETE", "/api/workflows/wf_web")
    with database.transaction() as connection:
        owned = data_of_deleted(connection, "wf_web")
    gold = [keys.gold_prefix(domain, dataset) for domain, dataset in owned.datasets]
    for prefix in (*keys.owned_prefixes(owned.workflow_id, owned.slug), *gold):
        lab.lake.client.put_object(Bucket=lab.lake.bucket, Key=f"{prefix}something", Body=b"")
    ask("POST", "/api/workflows/wf_web/purge")


def handle_runs(ask: Callable[..., Any]) -> None:
    """Wish for a run, stop one and go on with it, and look at, send again and give up what start_execution has put aside."""
    database, machine = Database.from_environment(), Machine.from_environment()
    with database.transaction() as connection:
        found, _ = take_wish(connection, wish("by_web"), "by_web")
        admit(connection, found.id)
        machine.start("by_web", ExecutionInput(workflow_id=WORKFLOW_ID, rebuild=JOB_ID))
        mark_started(connection, found.id)
    ask("POST", "/api/executions/by_web/cancel", {})
    with database.transaction() as connection:
        connection.execute(text("UPDATE executions SET status = 'failed', ended_at = now() WHERE id = 'by_web'"))
    ask("POST", "/api/executions/by_web/redrive")
    ask("POST", f"/api/workflows/{WORKFLOW_ID}/run", {})
    sent, given_up, *_ = ask("GET", "/api/dead-letters")["messages"]
    ask("POST", f"/api/dead-letters/{sent['id']}/redrive")
    ask("DELETE", f"/api/dead-letters/{given_up['id']}")


def post_form(form: Any, content: bytes) -> None:
    """Send a file by a form, as a browser does."""
    fields = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode() for name, value in form["fields"].items()]
    file = b'Content-Disposition: form-data; name="file"; filename="any"\r\n\r\n' + content
    body = b"".join(b"--limit\r\n" + part + b"\r\n" for part in (*fields, file)) + b"--limit--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=limit"}
    urllib.request.urlopen(urllib.request.Request(form["url"], data=body, headers=kind)).close()


def put(url: str, content: bytes) -> None:
    """Send a part."""
    urllib.request.urlopen(
        urllib.request.Request(url, data=content, method="PUT", headers={"Content-Type": "application/octet-stream"})
    ).close()


def look_at_the_revision(_lab: Lab, handler: ModuleType) -> None:
    """Ask what a person asks; it is between the function and the database."""
    assert handler.handle({"command": "check"}, CONTEXT)["problems"] == []
    handler.database.close()


CONTROL_PLANE: dict[str, Callable[[Lab, ModuleType], None]] = {
    "PlanExecution": plan_everything,
    "RecordEvent": record_everything,
    "StartExecution": start_everything,
    "UpgradeDatabase": look_at_the_revision,
    "Web": serve_everything,
    "Reconcile": reconcile_everything,
}
