"""The reference page is what the service's own tables say."""

from flowforge.local.project import find_project
from flowforge.local.states.document import INTEGRATIONS, page
from flowforge.local.states.service import StatesService
from flowforge.local.states.service_integrations import service_integrations
from unit.local.states_lab import ScriptedFunctions, ScriptedTasks


def test_the_committed_page_is_the_one_that_the_tables_make() -> None:
    committed = (find_project() / "docs/reference/laptop.md").read_text(encoding="utf-8")
    assert committed == page(), "run: python -m flowforge.local.states.document > docs/reference/laptop.md"


def test_the_page_lists_every_integration_that_the_service_has() -> None:
    service = StatesService([ScriptedFunctions({}), ScriptedTasks({}), *service_integrations(lambda name: name)])
    assert set(service.resources) == {integration.arn for integration in INTEGRATIONS}
