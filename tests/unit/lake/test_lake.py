from collections.abc import Callable

import boto3
import pytest

from flowforge.lake.lake import BUCKET_VARIABLE, Lake
from flowforge.model.errors import ConfigFault, DataFault, RetryLater
from lab import REGION
from s3_faults import answering, losing_the_answer_of


def test_an_object_is_written_once(lake: Lake) -> None:
    first = lake.write("a.json", "1")
    assert first
    assert lake.write("a.json", "2") is None
    assert lake.read("a.json") == (b"1", first)


def test_an_object_is_replaced_only_where_it_is_still_what_was_read(lake: Lake) -> None:
    first = lake.write("a.json", "1")
    second = lake.write("a.json", "2", replaces=first)
    assert second
    assert lake.write("a.json", "3", replaces=first) is None
    assert lake.read("a.json") == (b"2", second)
    assert lake.write("gone.json", "1", replaces=first) is None


@pytest.mark.parametrize(("status", "code"), [(412, "PreconditionFailed"), (409, "ConditionalRequestConflict")])
def test_a_refused_condition_is_no_error(lake: Lake, status: int, code: str) -> None:
    with answering(lake, "PutObject", status, code):
        assert lake.write("a.json", "1") is None


def test_what_is_not_there_is_none(lake: Lake) -> None:
    assert lake.read("a.json") is None
    assert lake.head("a.json") is None
    lake.delete(["a.json"])


def test_a_lost_connection_is_tried_again_later(lake: Lake) -> None:
    calls: list[tuple[str, Callable[[], object]]] = [
        ("GetObject", lambda: lake.read("a.json")),
        ("HeadObject", lambda: lake.head("a.json")),
        ("PutObject", lambda: lake.write("a.json", "1")),
        ("PutObject", lambda: lake.overwrite("a.json", "1")),
        ("ListObjectsV2", lambda: lake.list_objects("")),
        ("DeleteObjects", lambda: lake.delete(["a.json"])),
    ]
    for operation, call in calls:
        with losing_the_answer_of(lake, operation), pytest.raises(RetryLater):
            call()


def test_a_refusal_is_a_fault_of_the_configuration(lake: Lake) -> None:
    with answering(lake, "GetObject", 403, "AccessDenied"), pytest.raises(ConfigFault, match=r"reading a.json.*AccessDenied"):
        lake.read("a.json")


def test_a_bucket_that_is_not_there_is_told(lake: Lake) -> None:
    nowhere = Lake("no-such-bucket", lake.client, lake.storage_options)
    calls: list[Callable[[], object]] = [
        lambda: nowhere.write("a.json", "1"),
        lambda: nowhere.read("a.json"),
        lambda: nowhere.list_objects(""),
    ]
    for call in calls:
        with pytest.raises(ConfigFault, match="NoSuchBucket"):
            call()


def test_chunks_are_the_bytes_of_the_version_that_was_seen(lake: Lake) -> None:
    lake.overwrite("a.csv", "x" * 1000)
    seen = lake.head("a.csv")
    assert seen is not None
    assert b"".join(lake.chunks(seen)) == b"x" * 1000
    lake.overwrite("a.csv", "y" * 1000)
    with pytest.raises(DataFault, match=r"a.csv was replaced or removed while it was read"):
        list(lake.chunks(seen))
    lake.delete(["a.csv"])
    with pytest.raises(DataFault, match="replaced or removed"):
        list(lake.chunks(seen))


def test_a_listing_gives_the_objects_below_a_prefix_by_key(lake: Lake) -> None:
    for key in ("a/2", "a/1", "a/b/3", "ab", "b"):
        lake.overwrite(key, key)
    assert [item.key for item in lake.list_objects("a/")] == ["a/1", "a/2", "a/b/3"]
    lake.delete(["a/1", "a/2", "nothing"])
    assert [item.key for item in lake.list_objects("a/")] == ["a/b/3"]


def test_the_bucket_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, s3_url: str) -> None:
    monkeypatch.delenv(BUCKET_VARIABLE, raising=False)
    with pytest.raises(ConfigFault, match=BUCKET_VARIABLE):
        Lake.from_environment()
    for name, value in {
        BUCKET_VARIABLE: "data",
        "AWS_ENDPOINT_URL": s3_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    lake = Lake.from_environment()
    assert lake.uri("a/b") == "s3://data/a/b"
    assert lake.storage_options["aws_endpoint_url"] == s3_url
