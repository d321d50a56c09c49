"""Requests as they were seen before a service, and the permissions that each of them needs.

Which action a request is authorized by, and on what resource, is from the Service Authorization Reference
(https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html);
what it needs besides that stands with its page at each row.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from infrastructure.permission import BUCKET, THROUGH_S3, Permission, in_catalog, listing
from s3_proxy import Seen

DECRYPT = Permission("kms:Decrypt", "${DataKeyArn}", THROUGH_S3)
GENERATE = Permission("kms:GenerateDataKey", "${DataKeyArn}", THROUGH_S3)
EXECUTIONS = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:execution"
DEFAULT_BUS = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/default"
OF_QUEUES = {
    f"AmazonSQS.{operation}"
    for operation in ("SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "ChangeMessageVisibilityBatch")
}


def needed(requests: Iterable[Seen], names: Mapping[str, str]) -> set[Permission]:
    """The permissions that requests need. ``names`` tells the template's names of queues and state machines by their own."""
    return {permission for seen in requests for permission in _needed(seen, names)}


def _needed(seen: Seen, names: Mapping[str, str]) -> Iterator[Permission]:
    target = seen.headers.get("x-amz-target", "")
    if target in OF_QUEUES:
        # A batch is authorized as each of its entries (SQS API Reference, "ChangeMessageVisibilityBatch").
        queue = json.loads(seen.body)["QueueUrl"].rpartition("/")[2]
        yield Permission(f"sqs:{target.partition('.')[2].removesuffix('Batch')}", names[queue])
    elif target == "AWSStepFunctions.StartExecution":
        yield _start(json.loads(seen.body)["stateMachineArn"], names)
    elif target in ("AWSStepFunctions.DescribeExecution", "AWSStepFunctions.StopExecution"):
        machine = json.loads(seen.body)["executionArn"].split(":")[6]
        yield Permission(f"states:{target.partition('.')[2]}", f"{EXECUTIONS}:{names[machine].replace('}', '.Name}')}:*")
    elif target == "AWSEvents.PutEvents":
        for entry in json.loads(seen.body)["Entries"]:
            assert "EventBusName" not in entry
            # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
            spoken = f"StringEquals events:detail-type {entry['DetailType']} and StringEquals events:source {entry['Source']}"
            yield Permission("events:PutEvents", DEFAULT_BUS, spoken)
    elif target.startswith("AWSGlue."):
        yield from _of_glue(target.removeprefix("AWSGlue."), json.loads(seen.body))
    else:
        assert not target, f"{target}: add its row here"
        yield from _of_s3(seen)


def _start(arn: str, names: Mapping[str, str]) -> Permission:
    """The resource is the state machine also where the ARN has a qualifier, which is then a key for conditions.

    https://docs.aws.amazon.com/step-functions/latest/dg/auth-version-alias.html
    """
    _, _, named = arn.partition(":stateMachine:")
    machine, _, qualifier = named.partition(":")
    condition = f"ForAnyValue:StringEquals states:StateMachineQualifier {qualifier}" if qualifier else ""
    return Permission("states:StartExecution", names[machine], condition)


def _of_glue(operation: str, body: Mapping[str, Any]) -> list[Permission]:
    database = body.get("DatabaseName") or body["DatabaseInput"]["Name"]
    return in_catalog(operation, database.rpartition("_")[2])


def _of_s3(seen: Seen) -> Iterator[Permission]:
    """Operations and permissions: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html."""
    folder = unquote(seen.path).strip("/").partition("/")[2].partition("/")[0]
    if seen.method == "POST" and not folder and b'name="key"' in seen.body:
        yield from _posted(seen)
    elif seen.method == "GET" and "uploadId" in seen.query:
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html: with the key, decrypt.
        yield from (Permission("s3:ListMultipartUploadParts", _objects(folder)), DECRYPT)
    elif seen.method in ("GET", "HEAD"):
        yield from _listed(seen) if "list-type" in seen.query else _read(folder)
    elif seen.method == "POST" and "delete" in seen.query:
        yield from (Permission("s3:DeleteObject", _objects(key.partition("/")[0])) for key in deleted_keys(seen.body))
    elif seen.method in ("PUT", "POST"):
        yield from _written(seen, folder)
    elif seen.method == "DELETE":
        yield Permission("s3:AbortMultipartUpload" if "uploadId" in seen.query else "s3:DeleteObject", _objects(folder))


def _listed(seen: Seen) -> Iterator[Permission]:
    (prefix,) = seen.query["prefix"]
    yield listing(prefix.partition("/")[0])


def _read(folder: str) -> Iterator[Permission]:
    """Without the permission to list, a missing object is answered with 403 and not with 404.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, API_HeadObject.html;
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html (the key).
    """
    yield from (Permission("s3:GetObject", _objects(folder)), listing(folder), DECRYPT)


def _written(seen: Seen, folder: str) -> Iterator[Permission]:
    """A part of a multipart upload is encrypted with a key that has to be decrypted first; a condition on the ETag reads it.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html (permissions, and those on the key),
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html (If-Match needs GetObject).
    """
    yield from (Permission("s3:PutObject", _objects(folder)), GENERATE)
    if "uploads" in seen.query or "uploadId" in seen.query:
        yield DECRYPT
    if "if-match" in seen.headers:
        yield Permission("s3:GetObject", _objects(folder))
    if source := seen.headers.get("x-amz-copy-source"):
        yield from _read(unquote(source).strip("/").partition("/")[2].partition("/")[0])


def _posted(seen: Seen) -> Iterator[Permission]:
    """A form is authorized as a PUT to the key that stands in it, by whoever signed its policy.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
    """
    key = seen.body.partition(b'name="key"\r\n\r\n')[2].partition(b"\r\n")[0].decode()
    yield from (Permission("s3:PutObject", _objects(key.partition("/")[0])), GENERATE)


def _objects(folder: str) -> str:
    return f"{BUCKET}/{folder}/*"


def deleted_keys(body: bytes) -> list[str]:
    return [part.partition(b"</Key>")[0].decode() for part in body.split(b"<Key>")[1:]]
