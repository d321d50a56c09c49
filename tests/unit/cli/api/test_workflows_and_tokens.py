"""``flowforge workflow`` and ``flowforge token``: lists, one thing, what ends one, and completion."""

import json
from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from flowforge.cli.api import completion
from flowforge.cli.main import app
from flowforge.local.project import find_project
from flowforge.web.laptop import LaptopApi

SHOP = str(find_project() / "examples" / "shop" / "workflow.yaml")
Flowforge = Callable[..., Result]


def test_workflows_are_listed_shown_and_deleted(flowforge: Flowforge) -> None:
    flowforge("workflow", "apply", "-f", SHOP)
    listed = flowforge("workflow", "list")
    assert (listed.exit_code, "wf_shop" in listed.stdout) == (0, True)
    assert [item["id"] for item in json.loads(flowforge("workflow", "list", "--json").stdout)] == ["wf_shop"]
    assert json.loads(flowforge("workflow", "list", "--tag", "none", "--json").stdout) == []
    shown = flowforge("workflow", "show", "shop")
    assert (shown.exit_code, "sales/orders-by-country" in shown.stdout, "job_payments" in shown.stdout) == (0, True, True)
    assert json.loads(flowforge("workflow", "show", "wf_shop", "--json").stdout)["slug"] == "shop"
    missing = flowforge("workflow", "show", "store")
    assert (missing.exit_code, missing.stderr) == (5, "error: there is no workflow of the id or the slug store\n")
    unasked = flowforge("workflow", "delete", "shop")
    assert (unasked.exit_code, "say --yes" in unasked.stderr) == (2, True)
    gone = flowforge("workflow", "delete", "shop", "--yes")
    assert (gone.exit_code, gone.stdout.startswith("Deleted Shop (wf_shop)")) == (0, True)
    assert flowforge("workflow", "export", "shop").exit_code == 5


def test_a_token_is_told_once_and_ends_when_it_is_revoked(
    flowforge: Flowforge, served: LaptopApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = flowforge("token", "create", "ci", "--role", "viewer", "--expires-in", "12h")
    secret = made.stdout.strip()
    assert (made.exit_code, secret.startswith("ff_"), secret in made.stderr) == (0, True, False)
    listed = flowforge("token", "list", "--json")
    [token] = [item for item in json.loads(listed.stdout) if item["name"] == "ci"]
    assert (token["role"], token["expiresAt"] is None, secret in listed.stdout) == ("viewer", False, False)
    assert token["id"] in flowforge("token", "list").stdout
    monkeypatch.setenv("FLOWFORGE_TOKEN", secret)
    denied = flowforge("workflow", "delete", "shop", "--yes")
    assert denied.exit_code == 5
    denied = flowforge("token", "list")
    assert (denied.exit_code, "needs the role admin, and yours is viewer (status 403, request " in denied.stderr) == (4, True)
    # Who may only read may also see what a file would change.
    assert flowforge("workflow", "apply", "--dry-run", "-f", SHOP).exit_code == 0
    assert flowforge("workflow", "apply", "-f", SHOP).exit_code == 4
    monkeypatch.setenv("FLOWFORGE_TOKEN", served.token)
    assert flowforge("token", "revoke", token["id"], "--yes").exit_code == 0
    monkeypatch.setenv("FLOWFORGE_TOKEN", secret)
    ended = flowforge("workflow", "list")
    assert (ended.exit_code, "'flowforge token create' makes one" in ended.stderr, secret in ended.stderr) == (4, True, False)


@pytest.mark.parametrize(
    "arguments",
    [
        ["token", "create", "ci", "--role", "owner"],
        ["token", "create", "ci", "--expires-in", "soon"],
        ["workflow", "apply", "-f", "missing.yaml"],
        ["workflow", "apply", "-f", SHOP, "--exit-code"],
        ["execution", "list", "--status", "done"],
        ["execution", "list", "--since", "2h"],
        ["workflow", "list", "--api", "http://flowforge.example"],
    ],
)
def test_wrong_usage_ends_with_two_and_names_the_commands_help(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWFORGE_API", "http://127.0.0.1:1")
    monkeypatch.setenv("FLOWFORGE_TOKEN", "ff_x")
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert (done.exit_code, f"Try 'flowforge {arguments[0]} {arguments[1]} --help'." in done.stderr) == (2, True)


def test_a_shell_completes_what_is_there_and_nothing_where_the_api_is_not(
    flowforge: Flowforge, monkeypatch: pytest.MonkeyPatch
) -> None:
    flowforge("workflow", "apply", "-f", SHOP)
    assert completion.workflows("") == [("wf_shop", "Shop"), ("shop", "Shop")]
    assert completion.workflows("wf") == [("wf_shop", "Shop")]
    assert completion.executions("") == []
    assert len(completion.tokens("")) == 1
    monkeypatch.setenv("FLOWFORGE_API", "http://127.0.0.1:1")
    assert completion.workflows("") == []
    monkeypatch.setenv("FLOWFORGE_API", "nonsense")
    assert completion.workflows("") == []
