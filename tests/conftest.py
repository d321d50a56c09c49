"""Fixtures of every test: an S3 over HTTP that keeps its conditions."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.s3 import responses
from moto.s3.exceptions import MissingKey, PreconditionFailed
from moto.server import ThreadedMotoServer

from flowforge.lake.lake import Lake
from lab import REGION, Lab

_complete_or_create = responses.S3Response._key_response_post


def _refusing_broken_conditions(self: Any, *args: Any, **kwargs: Any) -> Any:
    """S3 refuses to complete an upload whose If-Match does not hold; moto 5.2.5 ignores the header."""
    expected = self.headers.get("If-Match")
    if expected and "uploadId" in (self.querystring or {}):
        present = self.backend.get_object(self.bucket_name, self.parse_key_name())
        if present is None:
            raise MissingKey
        if expected.strip('"') != present.etag.strip('"'):
            raise PreconditionFailed("If-Match")
    return _complete_or_create(self, *args, **kwargs)


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    """The address of an S3 of this test run."""
    responses.S3Response._key_response_post = _refusing_broken_conditions  # type: ignore[method-assign]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    server.stop()
    responses.S3Response._key_response_post = _complete_or_create  # type: ignore[method-assign]


@pytest.fixture
def lake(s3_url: str, request: pytest.FixtureRequest) -> Lake:
    """An empty, versioned data bucket of this test's own."""
    session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
    bucket = f"data-{abs(hash(request.node.nodeid)):x}"
    lake = Lake.connect(bucket, session, endpoint_url=s3_url)
    lake.client.create_bucket(Bucket=bucket)
    lake.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return lake


@pytest.fixture
def lab(lake: Lake) -> Lab:
    """A workflow of one job over an empty lake, and what a test does with it."""
    return Lab(lake)
