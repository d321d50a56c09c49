"""The local stack, running, for tests that go through the state machine."""

from collections.abc import Iterator

import boto3
import pytest

from flowforge.lake.lake import Lake
from flowforge.local.project import find_project
from flowforge.local.stack import LocalStack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A local stack over an empty state folder."""
    with LocalStack(find_project(), tmp_path_factory.mktemp("state")) as running:
        yield running


@pytest.fixture(scope="module")
def stack_lake(stack: LocalStack) -> Lake:
    """The data bucket of the stack, as the steps see it."""
    environment = stack.environment()
    session = boto3.session.Session(
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_REGION"],
    )
    return Lake.connect(stack.data_bucket, session, endpoint_url=environment["AWS_ENDPOINT_URL"])
