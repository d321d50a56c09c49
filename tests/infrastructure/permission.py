"""Permissions as the templates write them, and the difference between what is granted and what is needed."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

BUCKET = "arn:${AWS::Partition}:s3:::${DataBucketName}"
THROUGH_S3 = "StringEquals kms:ViaService s3.${AWS::Region}.${AWS::URLSuffix}"


class Permission(NamedTuple):
    """An action on a resource, under a condition.

    Names of resources are as the template writes them (`${StartRequests.Arn}`), so one can be compared without a deployment.
    """

    action: str
    resource: str
    condition: str = ""


def listing(folder: str) -> Permission:
    """The permission to list the keys of a folder, under which S3 also says of a missing key that it is missing."""
    return Permission("s3:ListBucket", BUCKET, f"StringLikeIfExists s3:prefix {folder}/*")


def in_catalog(operation: str, layer: str) -> list[Permission]:
    """An operation of Glue on a table of a layer needs the database and the catalog too, one on a database the catalog.

    https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html
    """
    arn = "arn:${AWS::Partition}:glue:${AWS::Region}:${AWS::AccountId}"
    database = f"flowforge_${{Stage}}_{layer}"
    tables = [] if operation == "CreateDatabase" else [f"{arn}:table/{database}/*"]
    return [Permission(f"glue:{operation}", resource) for resource in (f"{arn}:catalog", f"{arn}:database/{database}", *tables)]


def text_of(value: Any) -> str:
    """A value with its references written out: what `!Ref A`, `!GetAtt A.Arn` and `!Sub` say of the same thing is the same."""
    if isinstance(value, Mapping) and len(value) == 1:
        ((function, argument),) = value.items()
        if function == "Ref":
            return f"${{{argument}}}"
        if function == "Fn::GetAtt":
            return f"${{{'.'.join(argument)}}}"
        if function == "Fn::Sub":
            return str(argument)
    return value if isinstance(value, str) else json.dumps(value)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def of_type(template: Mapping[str, Any], kind: str) -> dict[str, Mapping[str, Any]]:
    return {name: item["Properties"] for name, item in template["Resources"].items() if item["Type"] == kind}


def statements(template: Mapping[str, Any], role: str) -> Iterator[Mapping[str, Any]]:
    """The statements of a role: its own, and those of the managed policies of this template."""
    properties = template["Resources"][role]["Properties"]
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    for reference in properties.get("ManagedPolicyArns", []):
        documents.append(template["Resources"][reference["Ref"]]["Properties"]["PolicyDocument"])
    for document in documents:
        yield from document["Statement"]


def granted(template: Mapping[str, Any], role: str) -> list[Permission]:
    """Every permission of a role, as often as it is granted."""
    return [permission for statement in statements(template, role) for permission in permissions_in(statement)]


def permissions_in(statement: Mapping[str, Any]) -> Iterator[Permission]:
    """The permissions of one statement that allows something. A condition on prefixes holds for each of them by itself."""
    assert statement["Effect"] == "Allow", statement
    for action in as_list(statement["Action"]):
        for resource in as_list(statement["Resource"]):
            for condition in _conditions(statement.get("Condition", {})):
                yield Permission(action, text_of(resource), condition)


def _conditions(condition: Mapping[str, Any]) -> Iterator[str]:
    if prefixes := condition.get("StringLikeIfExists", {}).get("s3:prefix"):
        yield from (f"StringLikeIfExists s3:prefix {prefix}" for prefix in as_list(prefixes))
        return
    tests = [
        f"{operator} {key} {' or '.join(text_of(value) for value in as_list(values))}"
        for operator, keys in condition.items()
        for key, values in keys.items()
    ]
    yield " and ".join(sorted(tests))


class Difference(NamedTuple):
    """What a role lacks, and what it has for nothing: permissions that nobody needs, or that it is given twice."""

    missing: set[Permission]
    surplus: list[Permission]


NOTHING = Difference(set(), [])


def difference(has: list[Permission], needs: set[Permission]) -> Difference:
    """Compare what is granted with what is needed."""
    return Difference(needs - set(has), [item for index, item in enumerate(has) if item not in needs or item in has[:index]])
