"""The stack that holds data: it outlives its template, and nobody reaches it in the clear."""

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import pytest

from flowforge.lake.athena import workgroup_name
from flowforge.lake.catalog import Catalog
from flowforge.lake.keys import ATHENA_RESULTS, ATTEMPTS
from flowforge.model.layer import LAYERS_OF_TABLES

HOLDS_DATA = (
    "DataKey",
    "OperationsKey",
    "DataBucket",
    "DataBucketPolicy",
    "AccessLogBucket",
    "AccessLogBucketPolicy",
    "ImageRepository",
    "BronzeDatabase",
    "SilverDatabase",
    "GoldDatabase",
    "QuarantineDatabase",
    "Database",
    # A server that is retained keeps what it stands on: none of it could be removed from under it.
    "DatabaseParameters",
    "DatabaseSubnets",
    "DatabaseServers",
    "DatabaseClients",
)
EMPTY = {"WorkerGroup"}
HOLDS_NONE = ("AWS::SSM::Parameter", "AWS::KMS::Alias", "AWS::Athena::WorkGroup", "AWS::IAM::Role")
BUCKETS = ("DataBucket", "AccessLogBucket")


def policy_of(foundation: Mapping[str, Any], name: str) -> dict[str, Mapping[str, Any]]:
    statements = foundation["Resources"][name]["Properties"]["PolicyDocument"]["Statement"]
    return {statement["Sid"]: statement for statement in statements}


def rules_of(foundation: Mapping[str, Any], bucket: str) -> dict[str, Mapping[str, Any]]:
    return {rule["Id"]: rule for rule in foundation["Resources"][bucket]["Properties"]["LifecycleConfiguration"]["Rules"]}


@pytest.mark.parametrize("name", HOLDS_DATA)
def test_what_holds_data_outlives_the_stack(foundation: Mapping[str, Any], name: str) -> None:
    resource = foundation["Resources"][name]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_no_bucket_key_or_table_is_declared_without_being_retained(foundation: Mapping[str, Any]) -> None:
    holding = [name for name, resource in foundation["Resources"].items() if resource["Type"] not in HOLDS_NONE]
    assert sorted(holding) == sorted({*HOLDS_DATA, *EMPTY})


def test_the_application_holds_no_data(application: Mapping[str, Any]) -> None:
    kinds = {resource["Type"] for resource in application["Resources"].values()}
    assert not kinds & {
        "AWS::S3::Bucket",
        "AWS::KMS::Key",
        "AWS::DynamoDB::Table",
        "AWS::ECR::Repository",
        "AWS::RDS::DBInstance",
    }


@pytest.mark.parametrize("key", ["DataKey", "OperationsKey"])
def test_every_key_rotates(foundation: Mapping[str, Any], key: str) -> None:
    assert foundation["Resources"][key]["Properties"]["EnableKeyRotation"] is True


def test_no_service_is_let_in_by_the_key_of_the_data(foundation: Mapping[str, Any]) -> None:
    (statement,) = foundation["Resources"]["DataKey"]["Properties"]["KeyPolicy"]["Statement"]
    assert list(statement["Principal"]) == ["AWS"]


def test_cloudwatch_logs_uses_the_other_key_for_the_groups_of_this_stage_only(
    foundation: Mapping[str, Any], application: Mapping[str, Any]
) -> None:
    statements = foundation["Resources"]["OperationsKey"]["Properties"]["KeyPolicy"]["Statement"]
    (logs,) = [statement for statement in statements if statement["Sid"] == "LogsOfThisStage"]
    assert logs["Principal"] == {"Service": {"Fn::Sub": "logs.${AWS::Region}.${AWS::URLSuffix}"}}
    group = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:"
    allowed = [
        pattern["Fn::Sub"].removeprefix(group) for pattern in logs["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    ]
    for resource in application["Resources"].values():
        if resource["Type"] == "AWS::Logs::LogGroup":
            name = resource["Properties"]["LogGroupName"]["Fn::Sub"]
            assert any(fnmatchcase(name, pattern) for pattern in allowed), name


def test_the_bucket_encrypts_with_the_stage_s_rotating_key(foundation: Mapping[str, Any]) -> None:
    (rule,) = foundation["Resources"]["DataBucket"]["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["BucketKeyEnabled"] is True
    assert rule["ServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": {"Fn::GetAtt": ["DataKey", "Arn"]},
    }


@pytest.mark.parametrize("bucket", BUCKETS)
def test_a_bucket_is_versioned_and_closed_to_the_public(foundation: Mapping[str, Any], bucket: str) -> None:
    properties = foundation["Resources"][bucket]["Properties"]
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert len(properties["PublicAccessBlockConfiguration"]) == 4
    assert all(properties["PublicAccessBlockConfiguration"].values())


def test_a_browser_uploads_from_the_pages_of_the_stage_alone(foundation: Mapping[str, Any]) -> None:
    condition, allowed, otherwise = foundation["Resources"]["DataBucket"]["Properties"]["CorsConfiguration"]["Fn::If"]
    assert foundation["Parameters"]["WebOrigin"]["Default"] == "none"
    assert foundation["Conditions"][condition] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "WebOrigin"}, "none"]}]}
    assert otherwise == {"Ref": "AWS::NoValue"}
    (rule,) = allowed["CorsRules"]
    assert (rule["AllowedOrigins"], rule["AllowedMethods"]) == ([{"Ref": "WebOrigin"}], ["POST", "PUT"])


@pytest.mark.parametrize("bucket", BUCKETS)
def test_a_bucket_answers_over_tls_only(foundation: Mapping[str, Any], bucket: str) -> None:
    statement = policy_of(foundation, f"{bucket}Policy")["RefuseWithoutTls"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert len(statement["Resource"]) == 2


def test_attempts_and_uploads_that_were_given_up_disappear_within_days(foundation: Mapping[str, Any]) -> None:
    rules = rules_of(foundation, "DataBucket")
    assert rules["attempts"]["Prefix"] == ATTEMPTS
    assert rules["attempts"]["ExpirationInDays"] == 2
    assert rules["incomplete-uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert "NoncurrentVersionExpiration" in rules["old-versions"]


def test_no_execution_outlives_its_attempts(foundation: Mapping[str, Any], state_machine: Mapping[str, Any]) -> None:
    rules = foundation["Resources"]["DataBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    days = next(rule["ExpirationInDays"] for rule in rules if rule["Id"] == "attempts")
    assert state_machine["TimeoutSeconds"] < days * 86_400


def test_refused_rows_and_old_versions_are_kept_as_long_as_the_stage_says(foundation: Mapping[str, Any]) -> None:
    rules = rules_of(foundation, "DataBucket")
    assert rules["quarantine"]["Prefix"] == "quarantine/"
    assert rules["quarantine"]["ExpirationInDays"] == {"Ref": "QuarantineDays"}
    assert rules["old-versions"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": {"Ref": "OldVersionDays"}}


def test_nothing_expires_but_attempts_refused_rows_and_answers(foundation: Mapping[str, Any]) -> None:
    expiring = {rule["Prefix"] for rule in rules_of(foundation, "DataBucket").values() if "ExpirationInDays" in rule}
    assert expiring == {ATTEMPTS, ATHENA_RESULTS, "quarantine/"}


def test_an_arrival_is_told_to_eventbridge(foundation: Mapping[str, Any]) -> None:
    told = foundation["Resources"]["DataBucket"]["Properties"]["NotificationConfiguration"]
    assert told == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}


def test_access_to_the_data_is_logged_into_a_bucket_that_takes_nothing_else(foundation: Mapping[str, Any]) -> None:
    logging = foundation["Resources"]["DataBucket"]["Properties"]["LoggingConfiguration"]
    assert logging["DestinationBucketName"] == {"Ref": "AccessLogBucket"}
    taken = policy_of(foundation, "AccessLogBucketPolicy")["TakeAccessLogOfDataBucket"]
    assert taken["Principal"] == {"Service": "logging.s3.amazonaws.com"}
    assert taken["Resource"] == {"Fn::Sub": f"${{AccessLogBucket.Arn}}/{logging['LogFilePrefix']}*"}
    assert taken["Condition"]["ArnLike"] == {"aws:SourceArn": {"Fn::GetAtt": ["DataBucket", "Arn"]}}
    assert taken["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}


def test_the_load_balancer_of_this_account_logs_below_a_prefix_of_its_own(
    foundation: Mapping[str, Any], application: Mapping[str, Any]
) -> None:
    attributes = application["Resources"]["WebBalancer"]["Properties"]["LoadBalancerAttributes"]
    (prefix,) = [item["Value"] for item in attributes if item["Key"] == "access_logs.s3.prefix"]
    taken = policy_of(foundation, "AccessLogBucketPolicy")["TakeAccessLogOfLoadBalancer"]
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
    assert taken["Principal"] == {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}
    assert taken["Resource"] == {"Fn::Sub": f"${{AccessLogBucket.Arn}}/{prefix}/AWSLogs/${{AWS::AccountId}}/*"}


def test_the_access_log_is_encrypted_as_its_delivery_needs_and_expires(foundation: Mapping[str, Any]) -> None:
    properties = foundation["Resources"]["AccessLogBucket"]["Properties"]
    (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert rules_of(foundation, "AccessLogBucket")["old-logs"]["ExpirationInDays"] == {"Ref": "AccessLogDays"}


def test_images_are_scanned_never_replaced_and_the_oldest_given_up(foundation: Mapping[str, Any]) -> None:
    properties = foundation["Resources"]["ImageRepository"]["Properties"]
    assert properties["ImageTagMutability"] == "IMMUTABLE"
    assert properties["ImageScanningConfiguration"] == {"ScanOnPush": True}
    assert properties["EncryptionConfiguration"]["KmsKey"] == {"Fn::GetAtt": ["OperationsKey", "Arn"]}
    (rule,) = json.loads(properties["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]
    assert rule["selection"]["countType"] == "imageCountMoreThan"


def test_each_layer_has_the_database_that_the_product_asks_for(foundation: Mapping[str, Any]) -> None:
    declared = {
        resource["Properties"]["DatabaseInput"]["Name"]["Fn::Sub"].replace("${Stage}", "dev")
        for resource in foundation["Resources"].values()
        if resource["Type"] == "AWS::Glue::Database"
    }
    catalog = Catalog("dev", lambda: pytest.fail("nobody is asked"))
    assert declared == {catalog.database(layer) for layer in LAYERS_OF_TABLES}


def test_queries_are_limited_and_their_answers_encrypted_whatever_a_client_asks_for(foundation: Mapping[str, Any]) -> None:
    properties = foundation["Resources"]["QueryWorkGroup"]["Properties"]
    assert properties["Name"]["Fn::Sub"].replace("${Stage}", "dev") == workgroup_name("dev")
    configuration = properties["WorkGroupConfiguration"]
    assert configuration["EnforceWorkGroupConfiguration"] is True
    assert configuration["BytesScannedCutoffPerQuery"] == {"Ref": "QueryLimitBytes"}
    results = configuration["ResultConfiguration"]
    assert results["OutputLocation"] == {"Fn::Sub": f"s3://${{DataBucket}}/{ATHENA_RESULTS}"}
    assert results["EncryptionConfiguration"] == {"EncryptionOption": "SSE_KMS", "KmsKey": {"Fn::GetAtt": ["DataKey", "Arn"]}}
    rule = rules_of(foundation, "DataBucket")["query-results"]
    assert (rule["Prefix"], rule["ExpirationInDays"]) == (ATHENA_RESULTS, {"Ref": "QueryResultDays"})


def test_the_role_that_asks_changes_nothing_but_the_answers(foundation: Mapping[str, Any]) -> None:
    (policy,) = foundation["Resources"]["QueryRole"]["Properties"]["Policies"]
    statements = {statement["Sid"]: statement for statement in policy["PolicyDocument"]["Statement"]}
    actions = {
        action
        for item in statements.values()
        for action in ([item["Action"]] if isinstance(item["Action"], str) else item["Action"])
    }
    changing = {
        action
        for action in actions
        if action.partition(":")[2].startswith(("Put", "Create", "Update", "Delete", "Batch", "Abort"))
    }
    assert changing == {"s3:PutObject", "s3:AbortMultipartUpload", "glue:BatchGetPartition"}
    assert statements["KeepAnswers"]["Resource"] == {"Fn::Sub": f"${{DataBucket.Arn}}/{ATHENA_RESULTS}*"}
    assert not [action for action in actions if "*" in action]


def test_the_database_is_encrypted_closed_to_the_public_and_restorable(foundation: Mapping[str, Any]) -> None:
    database = foundation["Resources"]["Database"]["Properties"]
    key = {"Fn::GetAtt": ["DataKey", "Arn"]}
    assert (database["StorageEncrypted"], database["KmsKeyId"], database["PubliclyAccessible"]) == (True, key, False)
    assert (database["BackupRetentionPeriod"], database["DeleteAutomatedBackups"]) == ({"Ref": "DatabaseBackupDays"}, False)
    assert database["DeletionProtection"] == {"Fn::If": ["Production", True, False]}
    assert foundation["Conditions"]["Production"] == {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}
    assert foundation["Parameters"]["DatabaseBackupDays"]["MinValue"] == 1


def test_the_password_of_the_database_is_made_and_changed_by_rds_and_encrypted_by_the_stage_s_key(
    foundation: Mapping[str, Any],
) -> None:
    database = foundation["Resources"]["Database"]["Properties"]
    assert database["ManageMasterUserPassword"] is True
    assert database["MasterUserSecret"] == {"KmsKeyId": {"Fn::GetAtt": ["DataKey", "Arn"]}}
    assert "MasterUserPassword" not in database


def test_the_server_takes_sessions_over_tls_only_as_many_as_the_stage_says_and_ends_idle_ones(
    foundation: Mapping[str, Any],
) -> None:
    properties = foundation["Resources"]["DatabaseParameters"]["Properties"]
    database = foundation["Resources"]["Database"]["Properties"]
    assert properties["Family"] == f"{database['Engine']}{database['EngineVersion']}"
    assert properties["Parameters"]["rds.force_ssl"] == "1"
    assert properties["Parameters"]["max_connections"] == {"Ref": "DatabaseMaxConnections"}
    # In milliseconds; the lock of a migration idles in its transaction for as long as the migration takes.
    assert int(properties["Parameters"]["idle_session_timeout"]) == 600_000
    assert int(properties["Parameters"]["idle_in_transaction_session_timeout"]) > 900_000


def test_only_the_functions_of_the_stage_reach_the_server_and_it_reaches_nobody(foundation: Mapping[str, Any]) -> None:
    servers = foundation["Resources"]["DatabaseServers"]["Properties"]
    (entry,) = servers["SecurityGroupIngress"]
    assert entry["SourceSecurityGroupId"] == {"Fn::GetAtt": ["DatabaseClients", "GroupId"]}
    assert entry["FromPort"] == entry["ToPort"] == {"Ref": "DatabasePort"}
    assert [rule["CidrIp"] for rule in servers["SecurityGroupEgress"]] == ["127.0.0.1/32"]
    for group in ("DatabaseClients", "WorkerGroup"):
        assert "SecurityGroupIngress" not in foundation["Resources"][group]["Properties"]


def test_a_stage_that_names_a_database_of_its_own_gets_no_other_and_one_without_a_network_none(
    foundation: Mapping[str, Any],
) -> None:
    conditions = foundation["Conditions"]
    assert conditions["MakeDatabase"] == {"Fn::And": [{"Condition": "InNetwork"}, {"Fn::Not": [{"Condition": "OwnDatabase"}]}]}
    for name in ("Database", "DatabaseParameters", "DatabaseSubnets", "DatabaseServers"):
        assert foundation["Resources"][name]["Condition"] == "MakeDatabase"
    told = foundation["Resources"]["DatabaseHostParameter"]["Properties"]["Value"]
    assert told == {"Fn::If": ["MakeDatabase", {"Fn::GetAtt": ["Database", "Endpoint.Address"]}, {"Ref": "DatabaseHost"}]}
