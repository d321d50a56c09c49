"""The how-to page's Python, run as it stands there over a lake; each engine counts the same rows."""

import re

import pytest

from flowforge.local.project import find_project
from lab import REGION, Lab

PAGE = find_project() / "docs/how-to/query-your-lake.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_every_engine_counts_the_rows_of_the_published_dataset(lab: Lab, s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.ingest("id\n1\n").gold()
    lab.ingest("id\n2\n3\n").gold()
    for name, value in {
        "FLOWFORGE_DATA_BUCKET": lab.lake.bucket,
        "AWS_ENDPOINT_URL": s3_url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }.items():
        monkeypatch.setenv(name, value)
    names: dict[str, object] = {}
    blocks = BLOCK.findall(PAGE.read_text())
    assert len(blocks) == 5
    exec("\n".join(blocks), names)  # noqa: S102 -- our own page
    counted = {name: names[name] for name in ("by_polars", "by_arrow", "by_pandas", "by_duckdb")}
    assert counted == dict.fromkeys(counted, 2)
    assert names["records"] == 3
