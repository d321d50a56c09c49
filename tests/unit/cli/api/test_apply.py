"""``flowforge workflow apply`` and ``export``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from typer.testing import Result

from flowforge.local.project import find_project
from flowforge.web.laptop import LaptopApi

SHOP = find_project() / "examples" / "shop" / "workflow.yaml"
Flowforge = Callable[..., Result]


@pytest.fixture
def ask(served: LaptopApi) -> Callable[[str], Any]:
    def get(path: str) -> Any:
        return httpx2.get(served.url + path, headers={"Authorization": f"Bearer {served.token}"}, trust_env=False).json()

    return get


def audited(ask: Callable[[str], Any]) -> list[str]:
    return [entry["action"] for entry in ask("/api/audit?entityType=workflow")["entries"]]


def test_a_file_is_applied_once_and_a_second_time_nothing_is_changed(flowforge: Flowforge, ask: Callable[[str], Any]) -> None:
    first = flowforge("workflow", "apply", "-f", str(SHOP))
    assert (first.exit_code, first.stderr) == (0, "")
    assert "+  - id: job_orders" in first.stdout
    assert first.stdout.endswith("wf_shop: create (3 jobs added)\nwf_shop: created, version 1\n")
    second = flowforge("workflow", "apply", "-f", str(SHOP))
    assert (second.exit_code, second.stdout) == (0, "wf_shop: nothing to change\n")
    assert audited(ask) == ["create"]
    assert ask("/api/workflows/wf_shop")["version"] == 1


def test_what_is_exported_and_applied_changes_nothing(flowforge: Flowforge, ask: Callable[[str], Any], tmp_path: Path) -> None:
    sql = {"sql": "SELECT *\nFROM orders", "tables": {"orders": "big-shop/orders"}}
    definition = {
        "id": "wf_big",
        "name": "Big shop: \u202e yes",
        "slug": "big-shop",
        "owner": "on",
        "tags": ["1", "2026-01-31"],
        "paused": True,
        "jobs": [
            {"id": "j1", "name": "Orders", "sourceConfig": {"fileConfig": {"nullValues": ["null", "~", ""]}}},
            {"id": "j2", "name": "Sum", "order": 2, "type": "gold-analytics", "destinationConfig": {"goldConfig": sql}},
        ],
    }
    (tmp_path / "big.json").write_text(json.dumps(definition))
    assert flowforge("workflow", "apply", "-f", str(SHOP), "-f", str(tmp_path / "big.json")).exit_code == 0
    exported = flowforge("workflow", "export", "shop", "wf_big")
    assert exported.exit_code == 0
    assert "\u202e" not in exported.stdout
    assert "SELECT *\n" in exported.stdout
    again = flowforge("workflow", "apply", "-f", "-", given=exported.stdout)
    assert (again.exit_code, again.stdout) == (0, "wf_shop: nothing to change\nwf_big: nothing to change\n")
    assert audited(ask) == ["create", "create"]


def test_a_change_is_shown_and_with_dry_run_not_made(flowforge: Flowforge, ask: Callable[[str], Any], tmp_path: Path) -> None:
    flowforge("workflow", "apply", "-f", str(SHOP))
    changed = tmp_path / "changed.yaml"
    changed.write_text(SHOP.read_text().replace("name: Shop", "name: Our shop", 1).replace("order: 1", "order: 3", 1))
    shown = flowforge("workflow", "apply", "--dry-run", "-f", str(changed))
    assert shown.exit_code == 0
    lines = shown.stdout.splitlines()
    assert lines[:2] == ["--- wf_shop, version 1", f"+++ {changed}"]
    assert {"-name: Shop", "+name: Our shop", "+    order: 3"} <= set(lines)
    assert lines[-1] == "wf_shop: update (1 job changed)"
    assert flowforge("workflow", "apply", "--dry-run", "--exit-code", "-f", str(changed)).exit_code == 9
    assert ask("/api/workflows/wf_shop")["version"] == 1
    told = json.loads(flowforge("workflow", "apply", "--json", "-f", str(changed)).stdout)
    assert [(item["workflowId"], item["action"], item["applied"], item["version"]) for item in told] == [
        ("wf_shop", "update", True, 2)
    ]
    read = ask("/api/workflows/wf_shop")
    assert (read["name"], read["slug"], read["jobs"][-1]["id"]) == ("Our shop", "shop", "job_customers")


def test_what_goes_is_asked_for_first(flowforge: Flowforge, ask: Callable[[str], Any], tmp_path: Path) -> None:
    flowforge("workflow", "apply", "-f", str(SHOP))
    less = tmp_path / "less.yaml"
    less.write_text(SHOP.read_text().partition("  - id: job_payments")[0])
    refused = flowforge("workflow", "apply", "-f", str(less))
    assert refused.exit_code == 2
    assert "Remove the job job_payments of wf_shop?" in refused.stderr
    assert len(ask("/api/workflows/wf_shop")["jobs"]) == 3
    assert flowforge("workflow", "apply", "--yes", "-f", str(less)).exit_code == 0
    assert len(ask("/api/workflows/wf_shop")["jobs"]) == 2


def test_somebody_elses_change_in_between_is_refused_and_told(
    flowforge: Flowforge, served: LaptopApi, ask: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    flowforge("workflow", "apply", "-f", str(SHOP))
    less = tmp_path / "less.yaml"
    less.write_text(SHOP.read_text().partition("  - id: job_payments")[0])

    def agree(*_question: object, **_options: object) -> bool:
        """While the person reads the difference, somebody else is quicker."""
        headers = {"Authorization": f"Bearer {served.token}", "If-Match": '"1"'}
        quicker = httpx2.patch(f"{served.url}/api/workflows/wf_shop", headers=headers, json={"team": "b"}, trust_env=False)
        return quicker.status_code == 200

    monkeypatch.setattr("flowforge.cli.apply.confirmed", agree)
    late = flowforge("workflow", "apply", "-f", str(less))
    assert late.exit_code == 6
    assert "the workflow wf_shop is at version 2, not 1: read it again" in late.stderr
    assert len(ask("/api/workflows/wf_shop")["jobs"]) == 3


WRONG = {
    "name: A\nname: B": "line 2, column 1: 'name' stands there twice",
    "": "there is no workflow in it",
    "- a": "a workflow is a mapping",
    "name: A\ndescription: 2026-01-31\njobs: [{name: x, order: first}]": "jobs[0]: order: ",
    "name: A\n---\nname: a": "the workflow a stands in ",
    "name: A\nteam: .nan": "write it in quotes",
    "name: A\nyes: no": "the name True is no text",
}


def test_a_wrong_file_is_told_and_changes_nothing(flowforge: Flowforge, ask: Callable[[str], Any], tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    for text, said in WRONG.items():
        path.write_text(text)
        done = flowforge("workflow", "apply", "-f", str(path))
        assert (done.exit_code, said in done.stderr, str(path) in done.stderr) == (1, True, True), done.stderr
    assert audited(ask) == []
