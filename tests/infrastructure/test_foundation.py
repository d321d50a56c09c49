"""The stack that holds data: it outlives its template, and nobody reaches it in the clear."""

from collections.abc import Mapping
from typing import Any

import pytest

from flowforge.lake.keys import ATTEMPTS

HOLDS_DATA = ("DataKey", "DataBucket", "DataBucketPolicy")


@pytest.mark.parametrize("name", HOLDS_DATA)
def test_what_holds_data_outlives_the_stack(foundation: Mapping[str, Any], name: str) -> None:
    resource = foundation["Resources"][name]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_no_bucket_key_or_table_is_declared_without_being_retained(foundation: Mapping[str, Any]) -> None:
    holding = [
        name
        for name, resource in foundation["Resources"].items()
        if resource["Type"] not in ("AWS::SSM::Parameter", "AWS::KMS::Alias")
    ]
    assert sorted(holding) == sorted(HOLDS_DATA)


def test_the_application_holds_no_data(application: Mapping[str, Any]) -> None:
    kinds = {resource["Type"] for resource in application["Resources"].values()}
    assert not kinds & {"AWS::S3::Bucket", "AWS::KMS::Key", "AWS::DynamoDB::Table", "AWS::ECR::Repository"}


def test_the_bucket_encrypts_with_the_stage_s_rotating_key(foundation: Mapping[str, Any]) -> None:
    assert foundation["Resources"]["DataKey"]["Properties"]["EnableKeyRotation"] is True
    (rule,) = foundation["Resources"]["DataBucket"]["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["BucketKeyEnabled"] is True
    assert rule["ServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": {"Fn::GetAtt": ["DataKey", "Arn"]},
    }


def test_the_bucket_is_versioned_and_closed_to_the_public(foundation: Mapping[str, Any]) -> None:
    properties = foundation["Resources"]["DataBucket"]["Properties"]
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert len(properties["PublicAccessBlockConfiguration"]) == 4
    assert all(properties["PublicAccessBlockConfiguration"].values())


def test_the_bucket_answers_over_tls_only(foundation: Mapping[str, Any]) -> None:
    (statement,) = foundation["Resources"]["DataBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert len(statement["Resource"]) == 2


def test_attempts_and_uploads_that_were_given_up_disappear_within_days(foundation: Mapping[str, Any]) -> None:
    rules = {rule["Id"]: rule for rule in foundation["Resources"]["DataBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]}
    assert rules["attempts"]["Prefix"] == ATTEMPTS
    assert rules["attempts"]["ExpirationInDays"] == 2
    assert rules["incomplete-uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert "NoncurrentVersionExpiration" in rules["old-versions"]


def test_no_execution_outlives_its_attempts(foundation: Mapping[str, Any], state_machine: Mapping[str, Any]) -> None:
    rules = foundation["Resources"]["DataBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    days = next(rule["ExpirationInDays"] for rule in rules if rule["Id"] == "attempts")
    assert state_machine["TimeoutSeconds"] < days * 86_400


def test_the_bucket_tells_eventbridge_of_files_that_arrive(foundation: Mapping[str, Any]) -> None:
    notification = foundation["Resources"]["DataBucket"]["Properties"]["NotificationConfiguration"]
    assert notification == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
