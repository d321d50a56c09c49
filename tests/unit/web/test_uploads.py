"""Uploads: a file goes from a person to S3, and what arrived is told."""

import base64
import gzip
import io
import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import httpx2
import polars as pl
import pytest
import xlsxwriter
from starlette.testclient import TestClient

from flowforge.lake.lake import Lake
from flowforge.metadata.database import Database
from flowforge.metadata.processed_files import FileVersion, begin_files, file_page
from flowforge.metadata.run_state import record_execution
from flowforge.model.role import Role
from flowforge.model.run_state import ExecutionState
from flowforge.model.run_status import ExecutionStatus
from web_clients import As

ORDERS = "".join(f"{number};Müller {number};2026-01-{number % 28 + 1:02}\n" for number in range(1, 21))
TEXT = ("order_id;name;day\n" + ORDERS).encode("cp1252")
MEBIBYTE = 1 << 20


@pytest.fixture
def shop(admin: TestClient) -> TestClient:
    job = {"id": "job_orders", "name": "Orders", "sourceConfig": {"fileConfig": {"filePattern": "orders*"}}}
    assert admin.post("/api/workflows", json={"name": "Shop", "id": "wf_shop", "jobs": [job]}).status_code == 201
    return admin


@pytest.fixture
def outside() -> Iterator[httpx2.Client]:
    """Who sends files: it knows no credentials of S3."""
    with httpx2.Client() as client:
        yield client


def started(shop: TestClient, content: bytes | int, name: str = "orders.csv", **more: Any) -> Any:
    size = content if isinstance(content, int) else len(content)
    body = {"workflowId": "wf_shop", "jobId": "job_orders", "fileName": name, "size": size, **more}
    answer = shop.post("/api/upload", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def sent(outside: httpx2.Client, upload: Any, content: bytes) -> None:
    form = upload["form"]
    answer = outside.post(form["url"], data=form["fields"], files={"file": ("any name", content)})
    assert answer.status_code in (200, 201, 204), answer.text


def completed(shop: TestClient, upload: Any, **body: Any) -> Any:
    answer = shop.post(f"/api/upload/{upload['uploadId']}/complete", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def uploaded(shop: TestClient, outside: httpx2.Client, content: bytes, name: str = "orders.csv", **more: Any) -> Any:
    upload = started(shop, content, name, **more)
    sent(outside, upload, content)
    return completed(shop, upload)


def test_a_file_sent_by_the_form_is_described(shop: TestClient, outside: httpx2.Client, lake: Lake, database: Database) -> None:
    upload = started(shop, TEXT, "C:\\data\\orders.csv", contentType="text/csv")
    assert (upload["method"], upload["fileName"], upload["isReadByJob"]) == ("form", "orders.csv", True)
    sent(outside, upload, TEXT)
    told = completed(shop, upload)
    key = "landing/wf_shop/job_orders/orders.csv"
    assert (told["success"], told["filepath"], told["size"]) == (True, key, len(TEXT))
    assert lake.read(key) == (TEXT, told["etag"])
    assert (told["format"], told["encoding"], told["delimiter"], told["compression"]) == ("csv", "cp1252", ";", "none")
    assert (told["rowCount"], told["estimatedRows"], told["isWhole"], told["columnCount"]) == (20, 20, True, 3)
    [order_id, name, day] = told["columns"]
    assert order_id == {"name": "order_id", "type": "integer", "format": None, "nullShare": 0, "sample": ["1", "2", "3"]}
    assert (name["type"], name["sample"][0], day["type"], day["format"]) == ("text", "Müller 1", "date", "%Y-%m-%d")
    assert told["preview"][0] == {"order_id": "1", "name": "Müller 1", "day": "2026-01-02"}
    assert told["primaryKeyAnalysis"][0]["column"] == "order_id"
    with database.transaction() as connection:
        [row] = file_page(connection, "wf_shop")
    assert (row["key"], row["etag"], row["size_bytes"], row["version"]) == (key, told["etag"], len(TEXT), told["versionId"])
    assert row["status"].value == "landed"


def test_the_form_is_good_for_this_key_length_and_type_alone(shop: TestClient) -> None:
    upload = started(shop, TEXT, contentType="text/csv")
    policy = json.loads(base64.b64decode(upload["form"]["fields"]["policy"]))
    conditions = [json.dumps(item) for item in policy["conditions"]]
    for expected in (
        {"key": "landing/wf_shop/job_orders/orders.csv"},
        {"Content-Type": "text/csv"},
        ["content-length-range", len(TEXT), len(TEXT)],
    ):
        assert json.dumps(expected) in conditions


def test_completing_again_changes_nothing_and_looks_again(shop: TestClient, outside: httpx2.Client, database: Database) -> None:
    upload = started(shop, TEXT)
    early = shop.post(f"/api/upload/{upload['uploadId']}/complete")
    assert (early.status_code, "has not arrived" in early.json()["detail"]) == (409, True)
    sent(outside, upload, TEXT)
    assert completed(shop, upload) == completed(shop, upload)
    other = completed(shop, upload, sourceConfig={"type": "csv", "fileConfig": {"hasHeader": False}})
    assert (other["rowCount"], other["columns"][0]["name"]) == (21, "column_1")
    entries = shop.get("/api/audit", params={"entityType": "landing_file"}).json()["entries"]
    assert [entry["action"] for entry in entries] == ["complete_upload", "start_upload"]
    with database.transaction() as connection:
        assert len(file_page(connection, "wf_shop")) == 1


def test_a_file_that_is_there_is_replaced_only_where_that_is_asked_for(shop: TestClient, outside: httpx2.Client) -> None:
    first = started(shop, TEXT)
    sent(outside, first, TEXT)
    body = {"workflowId": "wf_shop", "jobId": "job_orders", "fileName": "orders.csv", "size": 3}
    assert shop.post("/api/upload", json=body).status_code == 409
    second = started(shop, b"a\n1\n", replace=True)
    sent(outside, second, b"a\n1\n")
    assert completed(shop, second)["rowCount"] == 1
    late = shop.post(f"/api/upload/{first['uploadId']}/complete")
    assert (late.status_code, "another one came after it" in late.json()["detail"]) == (409, True)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least part that S3 takes, so that a few megabytes are an upload in parts."""
    monkeypatch.setattr("flowforge.web.routes.uploads.FORM_BYTES", MEBIBYTE)
    monkeypatch.setattr("flowforge.lake.uploads.LEAST_PART_BYTES", 5 * MEBIBYTE)


@pytest.mark.usefixtures("small_parts")
def test_a_large_file_goes_in_parts_that_the_server_puts_together(shop: TestClient, outside: httpx2.Client, lake: Lake) -> None:
    content = b"id,text\n" + b"".join(b"%d,%s\n" % (number, b"x" * 1000) for number in range(6000))
    upload = started(shop, content)
    parts, path = upload["parts"], f"/api/upload/{upload['uploadId']}"
    assert (upload["method"], parts["partSize"], parts["partCount"]) == ("parts", 5 * MEBIBYTE, 2)
    pieces = {number: content[(number - 1) * parts["partSize"] : number * parts["partSize"]] for number in (1, 2)}
    assert outside.put(parts["urls"][0]["url"], content=pieces[1]).status_code == 200
    missing = shop.post(f"{path}/complete")
    assert (missing.status_code, "1 of 2 parts" in missing.json()["detail"]) == (422, True)
    [again] = shop.post(f"{path}/parts", json={"partNumbers": [2]}).json()["urls"]
    assert outside.put(again["url"], content=pieces[2]).status_code == 200
    told = completed(shop, upload)
    assert told == completed(shop, upload)
    assert lake.read(told["filepath"]) == (content, told["etag"])
    assert (told["isWhole"], told["columnCount"], told["malformedRows"]) == (False, 2, 0)
    assert told["estimatedRows"] == pytest.approx(6000, rel=0.01)
    assert told["rowCount"] < 1100
    assert shop.post(f"{path}/parts", json={"partNumbers": [3]}).status_code == 404


@pytest.mark.usefixtures("small_parts")
def test_an_upload_in_parts_that_is_given_up_leaves_nothing(shop: TestClient, outside: httpx2.Client, lake: Lake) -> None:
    upload = started(shop, 6 * MEBIBYTE)
    outside.put(upload["parts"]["urls"][0]["url"], content=b"x" * 5 * MEBIBYTE)
    for _ in range(2):
        assert shop.delete(f"/api/upload/{upload['uploadId']}").json() == {"success": True}
    assert lake.client.list_multipart_uploads(Bucket=lake.bucket).get("Uploads", []) == []
    assert shop.post(f"/api/upload/{upload['uploadId']}/complete").status_code == 409


def workbook() -> bytes:
    written = io.BytesIO()
    with xlsxwriter.Workbook(written) as book:
        sheet = book.add_worksheet("Orders")
        for row, values in enumerate([("id", "price"), (1, 2.5), (2, 3)]):
            sheet.write_row(row, 0, values)
    return written.getvalue()


def parquet() -> bytes:
    written = io.BytesIO()
    pl.DataFrame({"id": [1, 2], "day": [date(2026, 1, 1), None], "list": [[1.5], [2.5]]}).write_parquet(written)
    return written.getvalue()


def test_every_format_is_described(shop: TestClient, outside: httpx2.Client) -> None:
    formats: list[tuple[str, bytes, str, list[tuple[str, str]], dict[str, Any]]] = [
        ("orders.xlsx", workbook(), "excel", [("id", "integer"), ("price", "float")], {"id": 1, "price": 2.5}),
        (
            "orders.parquet",
            parquet(),
            "parquet",
            [("id", "integer"), ("day", "date"), ("list", "text")],
            {"id": 1, "day": "2026-01-01", "list": "[1.5]"},
        ),
        ("orders.json", b'[{"a": 1, "b": {"c": null}}]', "json", [("a", "integer"), ("b", "text")], {"a": 1, "b": '{"c":null}'}),
        ("orders.csv.gz", gzip.compress(b"a,b\n1,x\n"), "csv", [("a", "integer"), ("b", "text")], {"a": "1", "b": "x"}),
    ]
    for name, content, kind, columns, first in formats:
        told = uploaded(shop, outside, content, name)
        assert (told["format"], told["fault"]) == (kind, None)
        assert [(column["name"], column["type"]) for column in told["columns"]] == columns
        assert told["preview"][0] == first


def test_a_file_that_no_run_could_read_lands_and_says_why(shop: TestClient, outside: httpx2.Client) -> None:
    for name, content, fault in (
        ("orders.parquet", b"PAR1 and no more of it", "its end is missing"),
        ("orders.csv", b"\n\n", "it has no header and no rows"),
        ("orders.csv", b"ORC\x00\x01\x02", "an ORC file"),
        ("orders", b"what is this", "the format is unknown"),
        ("orders.xls", b"no workbook", "no workbook of Excel"),
        ("orders.json", b'{"a": 1} no', "record 2"),
    ):
        told = uploaded(shop, outside, content, name, replace=True)
        assert (told["success"], told["columns"]) == (True, [])
        assert fault in told["fault"]


def test_what_is_no_upload_is_refused(shop: TestClient) -> None:
    for change, status in (
        ({"size": 0}, 400),
        ({"size": (5 << 40) + 1}, 400),
        ({"fileName": ".."}, 400),
        ({"fileName": "${filename}"}, 400),
        ({"fileName": "x" * 300}, 400),
        ({"contentType": "text/csv\r\nx: y"}, 400),
        ({"jobId": "../job"}, 400),
        ({"jobId": "job_no"}, 404),
        ({"workflowId": "wf_no"}, 404),
    ):
        body = {"workflowId": "wf_shop", "jobId": "job_orders", "fileName": "orders.csv", "size": 3, **change}
        answer = shop.post("/api/upload", json=body)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), change


def test_an_invented_upload_is_unknown(shop: TestClient) -> None:
    for handle in ("no", "e30", base64.urlsafe_b64encode(b'{"token": 1}').decode(), "x" * 3000):
        assert shop.post(f"/api/upload/{handle}/complete").status_code == 404


def test_landing_files_are_listed_by_job_and_removed(shop: TestClient, outside: httpx2.Client, lake: Lake, client_as: As) -> None:
    told = uploaded(shop, outside, TEXT)
    lake.client.put_object(Bucket=lake.bucket, Key="landing/wf_shop/job_gone/old.csv", Body=b"x")
    lake.client.put_object(Bucket=lake.bucket, Key="landing/wf_shop2/job/other.csv", Body=b"x")
    path = "/api/workflows/wf_shop/landing-files"
    listed = client_as(Role.VIEWER).get(path).json()
    assert (listed["workflowId"], listed["totalFiles"], set(listed["filesByJob"])) == ("wf_shop", 2, {"job_orders", "job_gone"})
    [file] = listed["filesByJob"]["job_orders"]
    assert (file["filename"], file["fullPath"], file["size"]) == ("orders.csv", told["filepath"], len(TEXT))
    assert file["s3Path"] == f"s3://{lake.bucket}/{told['filepath']}"
    second = shop.get(path, params={"page": 2, "limit": 1}).json()
    assert (second["pagination"], sum(map(len, second["filesByJob"].values()))) == (
        {"page": 2, "limit": 1, "total": 2, "pages": 2},
        1,
    )
    assert shop.delete(f"{path}/job_orders/orders.csv").json() == {"success": True}
    assert shop.delete(f"{path}/job_orders/orders.csv").status_code == 404
    assert shop.get(path, params={"jobId": "job_orders"}).json()["totalFiles"] == 0
    [entry, *_] = shop.get("/api/audit").json()["entries"]
    assert (entry["action"], entry["entityId"], entry["before"]["etag"]) == ("delete", told["filepath"], told["etag"])


def test_a_file_that_an_execution_reads_is_not_removed(shop: TestClient, outside: httpx2.Client, database: Database) -> None:
    told = uploaded(shop, outside, TEXT)
    file = FileVersion(told["filepath"], told["etag"], told["size"], told["versionId"])
    running = ExecutionState(execution_id="exec_1", workflow_id="wf_shop", status=ExecutionStatus.RUNNING)
    with database.transaction() as connection:
        record_execution(connection, running)
        begin_files(connection, "wf_shop", "job_orders", "exec_1", [file])
    path = "/api/workflows/wf_shop/landing-files/job_orders/orders.csv"
    refused = shop.delete(path)
    assert (refused.status_code, "exec_1" in refused.json()["detail"]) == (409, True)
    with database.transaction() as connection:
        [row] = file_page(connection, "wf_shop")
        assert (row["status"].value, row["execution_id"]) == ("processing", "exec_1")
        record_execution(connection, running.model_copy(update={"status": ExecutionStatus.SUCCEEDED}))
    assert shop.delete(path).status_code == 200
