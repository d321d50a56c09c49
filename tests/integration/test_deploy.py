"""Both stacks, deployed to the emulator by the SAM CLI and read back through the services' own APIs.

docs/reference/emulated-deploy.md lists what the emulator cannot show.
"""

import io
import json
import os
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from flowforge.local.emulator import Emulator
from flowforge.local.loopback import NO_PROXY
from flowforge.local.reaper import Reaper

ROOT = Path(__file__).parents[2]
SAM = ROOT / ".tools" / "sam" / "bin" / "sam"
REGION, ACCOUNT = "us-east-1", "000000000000"
FOUNDATION, APPLICATION, ARTIFACTS = "flowforge-foundation-dev", "flowforge-dev", "artifacts"
FUNCTIONS = ("BronzeIngest", "SilverTransform", "GoldPublish", "PlanExecution", "RecordEvent")
FIRST, SECOND = "0000000001-first", "0000000002-second"
EMAIL = "somebody@example.com"

pytestmark = pytest.mark.skipif(not SAM.exists(), reason="`make check-templates` installs the SAM CLI")


@dataclass(frozen=True)
class Account:
    """The emulator as an account of AWS."""

    endpoint: str

    def client(self, service: str) -> Any:
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def run(self, *command: str) -> str:
        """What a command prints when it works."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment |= {"AWS_ENDPOINT_URL": self.endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        environment |= {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, "SAM_CLI_TELEMETRY": "0", "SAM_CLI_POLL_DELAY": "0.2"}
        done = subprocess.run(
            command, cwd=ROOT, env={**environment, **NO_PROXY}, capture_output=True, text=True, timeout=180, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def resources(self, stack: str) -> dict[str, str]:
        """The physical name of each resource of a stack."""
        found = self.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
        return {item["LogicalResourceId"]: item["PhysicalResourceId"] for item in found}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    reaper = Reaper()
    emulator = Emulator(tmp_path_factory.mktemp("emulator"), reaper, keep=False)
    try:
        emulator.start()
        emulator.wait_ready()
        yield Account(emulator.endpoint)
    finally:
        emulator.stop()
        reaper.close()


@pytest.fixture(scope="module")
def foundation(account: Account) -> Mapping[str, str]:
    """The foundation's resources, after the one command that deploys them."""
    account.run(str(SAM.with_name("python")), "scripts/deploy", "dev", "foundation")
    return account.resources(FOUNDATION)


@pytest.fixture(scope="module")
def transformed(account: Account, foundation: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The application's template after SAM's transform, and the objects that it names."""
    assert foundation
    s3 = account.client("s3")
    s3.create_bucket(Bucket=ARTIFACTS)
    for name, file, inside in (
        ("plan_execution", "functions/plan_execution/handler.py", "handler.py"),
        ("record_event", "functions/record_event/handler.py", "handler.py"),
        ("flowforge", "layers/flowforge/README.md", "python/README.md"),
    ):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.write(ROOT / file, inside)
        s3.put_object(Bucket=ARTIFACTS, Key=name, Body=content.getvalue())
    s3.put_object(Bucket=ARTIFACTS, Key="workflow.asl.json", Body=(ROOT / "statemachine" / "workflow.asl.json").read_bytes())
    return tmp_path_factory.mktemp("transformed")


@pytest.fixture(scope="module")
def application(account: Account, transformed: Path) -> Mapping[str, str]:
    """The application's resources, after its first release."""
    deploy_application(account, transformed, FIRST, retention=14)
    return account.resources(APPLICATION)


def deploy_application(account: Account, folder: Path, release: str, *, retention: int) -> None:
    template = folder / f"{release}.json"
    account.run(str(SAM.with_name("python")), "tests/integration/transform_template.py", ARTIFACTS, str(template), release)
    overrides = [f"Release={release}", f"LogRetentionDays={retention}", f"AlarmEmail={EMAIL}", "StepConcurrency=5"]
    settings = ["--stack-name", APPLICATION, "--capabilities", "CAPABILITY_IAM", "--s3-bucket", ARTIFACTS]
    images = ["--image-repository", f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/none"]
    account.run(
        str(SAM), "deploy", "--template", str(template), *settings, *images,
        "--parameter-overrides", *overrides,
    )  # fmt: skip


@pytest.mark.parametrize("bucket", ["DataBucket", "AccessLogBucket"])
def test_a_bucket_is_versioned_closed_and_answers_over_tls_only(
    account: Account, foundation: Mapping[str, str], bucket: str
) -> None:
    s3, name = account.client("s3"), foundation[bucket]
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    assert set(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values()) == {True}
    assert s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"] == [
        {"ObjectOwnership": "BucketOwnerEnforced"}
    ]
    statement = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])["Statement"][0]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert statement["Resource"] == [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]


def test_the_data_bucket_tells_eventbridge(account: Account, foundation: Mapping[str, str]) -> None:
    told = account.client("s3").get_bucket_notification_configuration(Bucket=foundation["DataBucket"])
    assert "EventBridgeConfiguration" in told


def test_the_access_log_is_taken_from_the_data_bucket_only(account: Account, foundation: Mapping[str, str]) -> None:
    policy = json.loads(account.client("s3").get_bucket_policy(Bucket=foundation["AccessLogBucket"])["Policy"])
    (allowed,) = [statement for statement in policy["Statement"] if statement.get("Sid") == "TakeAccessLogOfDataBucket"]
    assert allowed["Condition"]["ArnLike"]["aws:SourceArn"] == f"arn:aws:s3:::{foundation['DataBucket']}"
    assert allowed["Condition"]["StringEquals"]["aws:SourceAccount"] == ACCOUNT


@pytest.mark.parametrize("key", ["DataKey", "OperationsKey"])
def test_a_key_rotates(account: Account, foundation: Mapping[str, str], key: str) -> None:
    assert account.client("kms").get_key_rotation_status(KeyId=foundation[key])["KeyRotationEnabled"] is True


def test_the_operations_key_lets_in_the_services_that_it_names(account: Account, foundation: Mapping[str, str]) -> None:
    answer = account.client("kms").get_key_policy(KeyId=foundation["OperationsKey"], PolicyName="default")
    services = {item["Principal"].get("Service") for item in json.loads(answer["Policy"])["Statement"]}
    assert services == {None, f"logs.{REGION}.amazonaws.com", "cloudwatch.amazonaws.com", "events.amazonaws.com"}


def test_images_are_scanned_encrypted_and_never_replaced(account: Account, foundation: Mapping[str, str]) -> None:
    ecr, name = account.client("ecr"), foundation["ImageRepository"]
    (repository,) = ecr.describe_repositories(repositoryNames=[name])["repositories"]
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}
    assert repository["encryptionConfiguration"]["kmsKey"].endswith(foundation["OperationsKey"])
    assert json.loads(ecr.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"])["rules"]


def test_the_application_is_told_where_everything_is(account: Account, foundation: Mapping[str, str]) -> None:
    # A page has ten.
    pages = account.client("ssm").get_paginator("get_parameters_by_path").paginate(Path="/flowforge/dev")
    found = [item for page in pages for item in page["Parameters"]]
    values = {item["Name"].rpartition("/")[2]: item["Value"] for item in found}
    assert values["data-bucket"] == foundation["DataBucket"]
    assert values["data-key-arn"].endswith(foundation["DataKey"])
    assert values["operations-key-arn"].endswith(foundation["OperationsKey"])
    assert values["access-log-bucket"] == foundation["AccessLogBucket"]
    assert values["image-repository"].endswith(foundation["ImageRepository"])


def test_what_the_emulator_drops_of_a_bucket_is_what_the_reference_says(account: Account, foundation: Mapping[str, str]) -> None:
    # It fails on the day when the emulator shows them: then they can be read back like the rest.
    s3, name = account.client("s3"), foundation["DataBucket"]
    (rule,) = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=name)
    with pytest.raises(s3.exceptions.ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=name)


def test_a_changed_setting_reaches_the_stack_and_leaves_what_holds_data(account: Account, foundation: Mapping[str, str]) -> None:
    days = ["OldVersionDays=8", "QuarantineDays=9", "AccessLogDays=10", "QueryResultDays=11"]
    overrides = ["Stage=dev", *days, "QueryLimitBytes=200000000000", "WebOrigin=https://flowforge.example.com"]
    account.run(
        str(SAM), "deploy", "--template", "foundation/template.yaml", "--config-env", "dev", "--parameter-overrides", *overrides
    )
    (stack,) = account.client("cloudformation").describe_stacks(StackName=FOUNDATION)["Stacks"]
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    # The others stay as they were.
    assert set(overrides) <= {f"{item['ParameterKey']}={item['ParameterValue']}" for item in stack["Parameters"]}
    assert account.resources(FOUNDATION) == foundation


def test_a_state_calls_the_released_version_of_its_function_and_may_call_nothing_else(
    account: Account, application: Mapping[str, str]
) -> None:
    aliases = {application[f"{name}Aliaslive"] for name in FUNCTIONS}
    assert all(alias.endswith(":live") for alias in aliases)
    machine = account.client("stepfunctions").describe_state_machine(stateMachineArn=application["Workflow"])
    assert all(alias in machine["definition"] for alias in aliases)
    assert "${" not in machine["definition"]
    policy = account.client("iam").get_role_policy(RoleName=application["WorkflowRole"], PolicyName="functions")
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert set(statement["Resource"]) == aliases


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_its_role_its_release_and_an_encrypted_log(
    account: Account, application: Mapping[str, str], foundation: Mapping[str, str], function: str
) -> None:
    found = account.client("lambda").get_function_configuration(FunctionName=application[function], Qualifier="1")
    assert found["Role"].endswith(application[f"{function}Role"])
    variables = found["Environment"]["Variables"]
    assert (variables["FLOWFORGE_RELEASE"], variables["FLOWFORGE_DATA_BUCKET"]) == (FIRST, foundation["DataBucket"])
    name = application[f"{function}Logs"]
    (group,) = account.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert group["kmsKeyId"].endswith(foundation["OperationsKey"])


def test_what_the_emulator_drops_of_the_application_is_what_the_reference_says(
    account: Account, application: Mapping[str, str]
) -> None:
    assert "ReservedConcurrentExecutions" not in account.client("lambda").get_function_concurrency(
        FunctionName=application["BronzeIngest"]
    )
    states = account.client("stepfunctions")
    assert states.describe_state_machine(stateMachineArn=application["Workflow"])["loggingConfiguration"] == {}
    assert not states.list_state_machine_aliases(stateMachineArn=application["Workflow"])["stateMachineAliases"]


def test_a_failed_execution_is_told_and_what_cannot_be_told_is_kept(account: Account, application: Mapping[str, str]) -> None:
    events = account.client("events")
    rule = events.describe_rule(Name=application["FailedExecutions"])
    assert json.loads(rule["EventPattern"])["detail"]["stateMachineArn"] == [application["Workflow"]]
    (target,) = events.list_targets_by_rule(Rule=application["FailedExecutions"])["Targets"]
    assert target["Arn"] == application["AlarmTopic"]
    queue = account.client("sqs").get_queue_attributes(QueueUrl=application["NotificationsDlq"], AttributeNames=["All"])
    assert target["DeadLetterConfig"]["Arn"] == queue["Attributes"]["QueueArn"]
    (subscribed,) = account.client("sns").list_subscriptions_by_topic(TopicArn=application["AlarmTopic"])["Subscriptions"]
    assert (subscribed["Protocol"], subscribed["Endpoint"]) == ("email", EMAIL)


def test_a_wish_starts_the_alias_and_may_start_nothing_else(account: Account, application: Mapping[str, str]) -> None:
    found = account.client("lambda").get_function_configuration(FunctionName=application["StartExecution"], Qualifier="1")
    # The emulator has no alias; the function is told what it would be called.
    assert found["Environment"]["Variables"]["FLOWFORGE_STATE_MACHINE_ARN"] == f"{application['Workflow']}:live"
    policy = account.client("iam").get_role_policy(RoleName=application["StartExecutionRole"], PolicyName="starting")
    (start,) = [item for item in policy["PolicyDocument"]["Statement"] if item["Sid"] == "StartWorkflows"]
    assert start["Resource"] == application["Workflow"]
    assert start["Condition"] == {"ForAnyValue:StringEquals": {"states:StateMachineQualifier": ["live"]}}


def test_a_completed_execution_of_the_stage_is_told_to_its_topic(account: Account, application: Mapping[str, str]) -> None:
    events = account.client("events")
    rule = events.describe_rule(Name=application["CompletedExecutions"])
    assert json.loads(rule["EventPattern"])["detail"] == {"stage": ["dev"]}
    (target,) = events.list_targets_by_rule(Rule=application["CompletedExecutions"])["Targets"]
    assert target["Arn"] == application["CompletionTopic"]
    policy = account.client("iam").get_role_policy(RoleName=application["RecordEventRole"], PolicyName="events")
    (tell,) = policy["PolicyDocument"]["Statement"]
    assert tell["Resource"] == f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"


def test_every_alarm_watches_what_was_deployed(account: Account, application: Mapping[str, str]) -> None:
    alarms = account.client("cloudwatch").describe_alarms(AlarmNamePrefix="flowforge-dev-")["MetricAlarms"]
    watched = {dimension["Value"] for alarm in alarms for dimension in alarm["Dimensions"]}
    assert {application[name] for name in (*FUNCTIONS, "Workflow")} <= watched
    assert all(alarm["AlarmActions"] == [application["AlarmTopic"]] for alarm in alarms)


def test_a_second_release_moves_the_alias_and_keeps_the_first_to_go_back_to(
    account: Account, application: Mapping[str, str], transformed: Path
) -> None:
    deploy_application(account, transformed, SECOND, retention=30)
    functions = account.client("lambda")
    for name in FUNCTIONS:
        function = application[name]
        assert functions.get_alias(FunctionName=function, Name="live")["FunctionVersion"] == "2", name
        versions = {item["Version"]: item for item in functions.list_versions_by_function(FunctionName=function)["Versions"]}
        assert versions["1"]["Environment"]["Variables"]["FLOWFORGE_RELEASE"] == FIRST
        assert versions["2"]["Environment"]["Variables"]["FLOWFORGE_RELEASE"] == SECOND
        (group,) = account.client("logs").describe_log_groups(logGroupNamePrefix=application[f"{name}Logs"])["logGroups"]
        assert group["retentionInDays"] == 30
    functions.update_alias(FunctionName=application["PlanExecution"], Name="live", FunctionVersion="1")
    answer = functions.get_function_configuration(FunctionName=application["PlanExecution"], Qualifier="live")
    assert answer["Environment"]["Variables"]["FLOWFORGE_RELEASE"] == FIRST


def test_data_and_keys_outlive_both_stacks(
    account: Account, application: Mapping[str, str], foundation: Mapping[str, str]
) -> None:
    s3, bucket = account.client("s3"), foundation["DataBucket"]
    s3.put_object(Bucket=bucket, Key="gold/kept", Body=b"kept")
    stacks = account.client("cloudformation")
    for stack in (APPLICATION, FOUNDATION):
        stacks.delete_stack(StackName=stack)
        stacks.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    assert application
    assert s3.get_object(Bucket=bucket, Key="gold/kept")["Body"].read() == b"kept"
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"]
    for key in ("DataKey", "OperationsKey"):
        assert account.client("kms").describe_key(KeyId=foundation[key])["KeyMetadata"]["KeyState"] == "Enabled"
    assert account.client("ecr").describe_repositories(repositoryNames=[foundation["ImageRepository"]])["repositories"]
    assert not account.client("ssm").get_parameters_by_path(Path="/flowforge/dev")["Parameters"]
