"""The local stack, running, for tests that go through the state machine."""

from collections.abc import Iterator

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
    return stack.lake()
