"""From an attempt's object to the final key: at once, or not at all, and never over another run's."""

import threading
from collections.abc import Iterator

import pytest

from flowforge.lake import publish as publishing
from flowforge.lake.lake import Lake, ObjectVersion
from flowforge.lake.publish import ATTEMPT_ID, RUN_ID, Published, publish
from flowforge.model.errors import CommitConflict, CommitUnknown, ConfigFault, RetryLater
from s3_faults import answering, just_before, losing_the_answer_of

KEY = "silver/table.parquet"


@pytest.fixture(autouse=True)
def _no_upload_is_left_behind(lake: Lake) -> Iterator[None]:
    yield
    assert "Uploads" not in lake.client.list_multipart_uploads(Bucket=lake.bucket)


def attempted(lake: Lake, content: str, name: str = "attempt") -> ObjectVersion:
    lake.overwrite(f"_attempts/{name}", content)
    version = lake.head(f"_attempts/{name}")
    assert version is not None
    return version


def by(lake: Lake, run: str, content: str, *, replaces: str | None = None, attempt: str = "1") -> Published:
    return publish(lake, attempted(lake, content), KEY, run_id=run, attempt_id=f"{run}/{attempt}", replaces=replaces)


def content_of(lake: Lake) -> str:
    stored = lake.read(KEY)
    assert stored is not None
    return stored[0].decode()


def test_a_free_key_is_taken_with_the_run_and_the_attempt_as_metadata(lake: Lake) -> None:
    published = by(lake, "a", "rows of a")
    assert content_of(lake) == "rows of a"
    assert published.version.metadata == {RUN_ID: "a", ATTEMPT_ID: "a/1"}
    assert published.attempt_id == "a/1"
    assert published.version.is_same(lake.head(KEY))


def test_a_key_that_another_run_took_stays_that_runs(lake: Lake) -> None:
    by(lake, "a", "rows of a")
    with pytest.raises(CommitConflict, match="was published by run a"):
        by(lake, "b", "rows of b")
    assert content_of(lake) == "rows of a"


def test_a_key_that_the_same_run_took_is_a_success_of_the_first_attempt(lake: Lake) -> None:
    first = by(lake, "a", "rows of a")
    again = by(lake, "a", "rows of a, written again", attempt="2")
    assert again.attempt_id == "a/1"
    assert again.version.is_same(first.version)
    assert content_of(lake) == "rows of a"


def test_a_version_that_is_still_there_is_replaced(lake: Lake) -> None:
    first = by(lake, "a", "rows of a")
    second = by(lake, "b", "rows of b", replaces=first.version.etag)
    assert content_of(lake) == "rows of b"
    assert second.attempt_id == "b/1"


def test_a_version_that_was_replaced_meanwhile_is_a_conflict(lake: Lake) -> None:
    first = by(lake, "a", "rows of a")
    by(lake, "b", "rows of b", replaces=first.version.etag)
    with pytest.raises(CommitConflict, match="was published by run b"):
        by(lake, "c", "rows of c", replaces=first.version.etag)
    assert content_of(lake) == "rows of b"


def test_a_version_that_is_gone_is_a_conflict(lake: Lake) -> None:
    first = by(lake, "a", "rows of a")
    lake.delete([KEY])
    with pytest.raises(CommitConflict, match="nothing lies there now"):
        by(lake, "b", "rows of b", replaces=first.version.etag)
    assert lake.head(KEY) is None


def test_what_was_verified_is_what_is_published(lake: Lake) -> None:
    source = attempted(lake, "verified")
    with (
        just_before(lake, "UploadPartCopy", lambda: attempted(lake, "a late writer's")),
        pytest.raises(CommitConflict),
    ):
        publish(lake, source, KEY, run_id="a", attempt_id="a/1")
    assert lake.head(KEY) is None


def test_an_attempt_that_is_gone_publishes_nothing(lake: Lake) -> None:
    source = attempted(lake, "verified")
    lake.delete([source.key])
    with pytest.raises(CommitConflict):
        publish(lake, source, KEY, run_id="a", attempt_id="a/1")
    assert lake.head(KEY) is None


def test_a_lost_answer_is_looked_up(lake: Lake) -> None:
    with losing_the_answer_of(lake, "CompleteMultipartUpload"):
        assert by(lake, "a", "rows of a").attempt_id == "a/1"
    assert content_of(lake) == "rows of a"


def test_a_lost_answer_after_which_nothing_can_be_read_is_unknown(lake: Lake) -> None:
    source = attempted(lake, "rows of a")
    with (
        losing_the_answer_of(lake, "CompleteMultipartUpload"),
        losing_the_answer_of(lake, "HeadObject"),
        pytest.raises(CommitUnknown, match="cannot be read back"),
    ):
        publish(lake, source, KEY, run_id="a", attempt_id="a/1")
    assert content_of(lake) == "rows of a"


def test_a_success_that_cannot_be_read_back_is_unknown(lake: Lake) -> None:
    source = attempted(lake, "rows of a")
    with losing_the_answer_of(lake, "HeadObject"), pytest.raises(CommitUnknown):
        publish(lake, source, KEY, run_id="a", attempt_id="a/1")
    assert publish(lake, source, KEY, run_id="a", attempt_id="a/2").attempt_id == "a/1"


@pytest.mark.parametrize(
    ("status", "code"), [(409, "ConditionalRequestConflict"), (412, "PreconditionFailed"), (404, "NoSuchUpload")]
)
def test_a_refused_completion_is_a_conflict(lake: Lake, status: int, code: str) -> None:
    with answering(lake, "CompleteMultipartUpload", status, code), pytest.raises(CommitConflict):
        by(lake, "a", "rows of a")
    assert lake.head(KEY) is None
    assert by(lake, "a", "rows of a", attempt="2").attempt_id == "a/2"


def test_a_completion_that_the_role_may_not_make_is_a_fault_of_the_configuration(lake: Lake) -> None:
    with answering(lake, "CompleteMultipartUpload", 403, "AccessDenied"), pytest.raises(ConfigFault, match="AccessDenied"):
        by(lake, "a", "rows of a")
    assert lake.head(KEY) is None


@pytest.mark.parametrize("operation", ["CreateMultipartUpload", "UploadPartCopy"])
def test_a_connection_that_is_lost_before_the_completion_is_tried_again_later(lake: Lake, operation: str) -> None:
    if operation == "UploadPartCopy":
        with losing_the_answer_of(lake, operation), pytest.raises(RetryLater):
            by(lake, "a", "rows of a")
    else:
        with answering(lake, operation, 403, "AccessDenied"), pytest.raises(ConfigFault):
            by(lake, "a", "rows of a")
    assert lake.head(KEY) is None


def test_a_large_object_is_copied_in_parts(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    part = 5 << 20
    monkeypatch.setattr(publishing, "PART_BYTES", part)
    content = "".join(f"{number:09}\n" for number in range(part // 5 + 7))
    assert len(content) > 2 * part
    by(lake, "a", content)
    assert content_of(lake) == content


@pytest.mark.parametrize("round_number", range(5))
def test_of_two_runs_that_replace_the_same_version_exactly_one_wins(lake: Lake, round_number: int) -> None:
    first = by(lake, "a", f"rows of a, round {round_number}")
    sources = {run: attempted(lake, f"rows of {run}", run) for run in ("b", "c")}
    gate = threading.Barrier(2)
    ends: dict[str, object] = {}

    def replace(run: str) -> None:
        gate.wait()
        try:
            ends[run] = publish(
                lake, sources[run], KEY, run_id=run, attempt_id=f"{run}/1", replaces=first.version.etag
            ).attempt_id
        except CommitConflict as conflict:
            ends[run] = conflict

    threads = [threading.Thread(target=replace, args=(run,)) for run in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [run for run, end in ends.items() if end == f"{run}/1"]
    assert sum(isinstance(end, CommitConflict) for end in ends.values()) == 1
    assert content_of(lake) == f"rows of {winner}"


def test_of_two_runs_that_take_the_same_free_key_exactly_one_wins(lake: Lake) -> None:
    sources = {run: attempted(lake, f"rows of {run}", run) for run in ("b", "c", "d")}
    won: list[str] = []

    def take(run: str) -> None:
        try:
            won.append(publish(lake, sources[run], KEY, run_id=run, attempt_id=f"{run}/1").attempt_id)
        except CommitConflict:
            return

    threads = [threading.Thread(target=take, args=(run,)) for run in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert content_of(lake) == f"rows of {won[0].partition('/')[0]}"
