"""The looks at a text before it is uploaded."""

from typing import Any

from starlette.testclient import TestClient

from flowforge.model.role import Role
from web_clients import As


def asked(client: TestClient, step: str, **body: Any) -> Any:
    return client.post(f"/api/validate-csv-{step}", json=body)


def test_a_text_is_looked_at_in_three_steps(client_as: As) -> None:
    viewer = client_as(Role.VIEWER)
    start = 'order_id;remark;price\n1;"a; b";2,5\n2;"c\nd";3\n'
    basic = asked(viewer, "basic", fileName="C:\\x\\orders.csv", fileSize=len(start), start=start).json()
    assert (basic["success"], basic["progress"], basic["notices"]) == (True, 30, [])
    assert basic["validation"] == {"fileFormat": "csv", "fileSize": len(start), "isEmpty": False}
    metadata = basic["metadata"]
    assert (metadata["fileName"], metadata["delimiter"], metadata["rowCount"], metadata["columnCount"]) == (
        "orders.csv",
        ";",
        3,
        3,
    )
    rows = metadata["firstThreeRows"]
    assert rows == [["order_id", "remark", "price"], ["1", "a; b", "2,5"], ["2", "c\nd", "3"]]
    header = asked(viewer, "headers", firstThreeRows=rows).json()
    assert (header["headerDetection"]["hasHeader"], header["suggestedHeaders"], header["progress"]) == (True, rows[0], 70)
    schema = asked(viewer, "schema", firstThreeRows=rows, hasHeader=True).json()
    assert schema["schema"] == {"needsColumnNaming": False, "suggestedHeaders": rows[0], "suggestedColumns": []}


def test_columns_without_names_are_described(client_as: As) -> None:
    rows = [["1", "2026-01-01"], ["2", "2026-01-02"]]
    found = asked(client_as(Role.VIEWER), "schema", firstThreeRows=rows, hasHeader=False).json()["schema"]
    assert (found["needsColumnNaming"], found["suggestedHeaders"]) == (True, ["column_1", "column_2"])
    assert found["suggestedColumns"][1] == {
        "position": 2,
        "suggestedName": "column_2",
        "dataType": "date",
        "sampleValues": ["2026-01-01", "2026-01-02"],
    }


def test_what_is_no_table_is_told(client_as: As) -> None:
    viewer = client_as(Role.VIEWER)
    for start, is_empty in (("", True), ("\n\n", True), ("a,b\n", False)):
        told = asked(viewer, "basic", fileName="a.csv", fileSize=30 << 20, start=start).json()
        assert (told["success"], told["validation"]["isEmpty"]) == (False, is_empty)
        assert "very large" in told["notices"][0]
    assert asked(viewer, "headers", firstThreeRows=[["a"]]).status_code == 400
    assert asked(viewer, "headers", firstThreeRows=[]).status_code == 400
    assert asked(viewer, "schema", firstThreeRows=[[]], hasHeader=False).json()["schema"]["suggestedColumns"] == []
