"""What each role may do: one role per function, prefixes of the table of keys, nothing by a wildcard."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infrastructure.permission import BUCKET, as_list, statements, text_of
from infrastructure.unrecorded_permissions import UNRECORDED

COMMON = {"runs"}
READS = {
    "BronzeIngest": {"landing", "bronze", "contracts", "_attempts", "quarantine"},
    "SilverTransform": {"bronze", "silver", "quarantine", "contracts", "_attempts"},
    "GoldPublish": {"bronze", "silver", "gold", "contracts", "_attempts"},
    "Worker": {"landing", "bronze", "silver", "quarantine", "gold", "contracts", "_attempts"},
    "PlanExecution": {"landing", "contracts"},
    "RecordEvent": {"silver", "gold", "quarantine", "contracts"},
    "Reconcile": {"silver", "gold", "quarantine", "contracts"},
    "Web": {"landing", "contracts", "bronze", "silver", "quarantine", "gold"},
    "UpgradeDatabase": set[str](),
}
WRITES = {
    "BronzeIngest": {"bronze", "quarantine", "_attempts"},
    "SilverTransform": {"silver", "quarantine", "contracts", "_attempts"},
    "GoldPublish": {"gold", "_attempts"},
    "Worker": {"bronze", "silver", "quarantine", "gold", "contracts", "_attempts"},
    "PlanExecution": {"workflows"},
    "RecordEvent": set[str](),
    "Web": {"landing"},
    "UpgradeDatabase": set[str](),
}
# It touches no execution's objects.
WITHOUT_COMMON = {"UpgradeDatabase"}
# What a person asks the API to remove: a landed file, or all data of a workflow that was deleted.
REMOVES = {"Web": {"landing", "bronze", "silver", "quarantine", "gold", "contracts", "workflows"}}
WITHOUT_KEY = {"UpgradeDatabase"}
# What reads runs and writes none.
READING_ALONE = {"Reconcile"}
SCHEDULES = ("WorkflowScheduleRole", "ReconcileScheduleRole")


def roles(template: Mapping[str, Any]) -> list[str]:
    return [name for name, item in template["Resources"].items() if item["Type"] == "AWS::IAM::Role"]


def common(function: str) -> set[str]:
    """What a function reads and writes because it has a part in executions."""
    return set() if function in WITHOUT_COMMON else COMMON


def prefixes(template: Mapping[str, Any], role: str, action: str) -> set[str]:
    """The first parts of the keys for which a role may do something."""
    found = set()
    for statement in statements(template, role):
        if action in as_list(statement["Action"]):
            for resource in as_list(statement["Resource"]):
                folder, _, rest = resource["Fn::Sub"].removeprefix(f"{BUCKET}/").partition("/")
                assert rest == "*", resource
                found.add(folder)
    return found


def test_every_function_and_every_state_machine_has_a_role_of_its_own(application: Mapping[str, Any]) -> None:
    users = [
        item["Properties"]["Role"]["Fn::GetAtt"][0]
        for item in application["Resources"].values()
        if item["Type"] in ("AWS::Serverless::Function", "AWS::Serverless::StateMachine")
    ]
    task = application["Resources"]["WorkerTaskDefinition"]["Properties"]
    users += [task["TaskRoleArn"]["Fn::GetAtt"][0], task["ExecutionRoleArn"]["Fn::GetAtt"][0]]
    assert sorted([*users, *SCHEDULES]) == sorted(roles(application))


def test_no_role_is_given_an_action_by_a_wildcard(application: Mapping[str, Any]) -> None:
    for role in roles(application):
        for statement in statements(application, role):
            assert not [action for action in as_list(statement["Action"]) if "*" in action], (role, statement)


def test_only_what_belongs_to_the_account_is_granted_on_every_resource(application: Mapping[str, Any]) -> None:
    everywhere = {
        (role, action)
        for role in roles(application)
        for statement in statements(application, role)
        if "*" in as_list(statement["Resource"])
        for action in as_list(statement["Action"])
    }
    assert everywhere == {(entry.role, entry.permission.action) for entry in UNRECORDED if entry.permission.resource == "*"}


def test_a_resource_with_a_wildcard_has_its_reason_in_the_template(application: Mapping[str, Any], root: Path) -> None:
    # Keys of a layer need none: their reason is the table of keys, which stands above the roles.
    lines = [line.strip() for line in (root / "template.yaml").read_text().splitlines()]
    for role in roles(application):
        for statement in statements(application, role):
            if any("*" in text_of(item) and not text_of(item).startswith(BUCKET) for item in as_list(statement["Resource"])):
                start = lines.index(f"- Sid: {statement['Sid']}")
                assert lines[start - 1].startswith("#"), (role, statement["Sid"])


def test_every_statement_has_a_name_that_is_unique_in_its_role(application: Mapping[str, Any]) -> None:
    for role in roles(application):
        for policy in application["Resources"][role]["Properties"].get("Policies", []):
            names = [statement["Sid"] for statement in policy["PolicyDocument"]["Statement"]]
            assert len(set(names)) == len(names), role


@pytest.mark.parametrize("function", READS)
def test_a_function_reads_the_layers_that_it_needs_and_no_other(application: Mapping[str, Any], function: str) -> None:
    assert prefixes(application, f"{function}Role", "s3:GetObject") == READS[function] | common(function)


@pytest.mark.parametrize("function", WRITES)
def test_a_function_writes_the_layers_that_it_owns_and_no_other(application: Mapping[str, Any], function: str) -> None:
    assert prefixes(application, f"{function}Role", "s3:PutObject") == WRITES[function] | common(function)


def test_what_starts_executions_has_no_part_in_the_lake_and_what_compares_them_writes_none(
    application: Mapping[str, Any],
) -> None:
    touched = [action for item in statements(application, "StartExecutionRole") for action in as_list(item["Action"])]
    assert not [action for action in touched if action.startswith("s3:")]
    assert {name: prefixes(application, f"{name}Role", "s3:PutObject") for name in READING_ALONE} == {"Reconcile": set()}


@pytest.mark.parametrize("function", READS)
def test_nothing_is_deleted_but_attempts_and_what_people_remove(application: Mapping[str, Any], function: str) -> None:
    removed = prefixes(application, f"{function}Role", "s3:DeleteObject")
    assert removed == REMOVES.get(function, removed & {"_attempts"})


@pytest.mark.parametrize("function", ["BronzeIngest", "SilverTransform", "GoldPublish"])
def test_a_step_can_give_up_its_uploads_wherever_it_publishes(application: Mapping[str, Any], function: str) -> None:
    published = WRITES[function] - {"contracts"}
    if function == "SilverTransform":
        # What a run keeps of the tables that it looks up.
        published = published | {"runs"}
    assert prefixes(application, f"{function}Role", "s3:AbortMultipartUpload") == published


@pytest.mark.parametrize("function", READS)
def test_a_missing_object_is_seen_as_missing_wherever_a_function_reads(application: Mapping[str, Any], function: str) -> None:
    # S3 answers 404 to a role that may list the key, and 403 to any other.
    listed = set()
    for statement in statements(application, f"{function}Role"):
        if "s3:ListBucket" in as_list(statement["Action"]):
            assert statement["Resource"] == {"Fn::Sub": BUCKET}
            listed |= {prefix.removesuffix("/*") for prefix in as_list(statement["Condition"]["StringLikeIfExists"]["s3:prefix"])}
    assert listed == READS[function] | common(function)


@pytest.mark.parametrize("function", sorted(set(READS) - WITHOUT_KEY))
def test_the_key_is_used_through_s3_only(application: Mapping[str, Any], function: str) -> None:
    (use,) = [
        statement
        for statement in statements(application, f"{function}Role")
        if any(action.startswith("kms:") for action in as_list(statement["Action"]))
        and statement["Resource"] == {"Ref": "DataKeyArn"}
    ]
    assert use["Resource"] == {"Ref": "DataKeyArn"}
    assert use["Condition"] == {"StringEquals": {"kms:ViaService": {"Fn::Sub": "s3.${AWS::Region}.${AWS::URLSuffix}"}}}


def test_a_function_that_talks_to_the_database_reads_one_secret_and_uses_its_key_for_that_alone(
    application: Mapping[str, Any],
) -> None:
    policy = application["Resources"]["DatabasePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    granted = {statement["Sid"]: statement for statement in policy}
    assert (granted["ReadLogin"]["Action"], granted["ReadLogin"]["Resource"]) == (
        "secretsmanager:GetSecretValue",
        {"Ref": "DatabaseSecretArn"},
    )
    use = granted["UseKeyThroughSecretsManager"]
    assert (use["Action"], use["Resource"]) == ("kms:Decrypt", {"Ref": "DatabaseSecretKeyArn"})
    assert use["Condition"] == {
        "StringEquals": {"kms:ViaService": {"Fn::Sub": "secretsmanager.${AWS::Region}.${AWS::URLSuffix}"}}
    }
