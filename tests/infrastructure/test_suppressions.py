"""A check of the templates that does not hold is explained where it is left out, or is not left out."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

COMMENT = re.compile(r"checkov:skip=(\w+)(?::(.*))?")
SENTENCE_CHARACTERS = 30


def skips(text: str, template: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The checks that are left out, with their reasons: by a comment, or by a resource's metadata."""
    yield from COMMENT.findall(text)
    for resource in template["Resources"].values():
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", []):
            yield skip["id"], skip.get("comment", "")


@pytest.mark.parametrize(("stack", "path"), [("application", "template.yaml"), ("foundation", "foundation/template.yaml")])
def test_every_check_that_is_left_out_says_why(root: Path, request: pytest.FixtureRequest, stack: str, path: str) -> None:
    found = list(skips((root / path).read_text(), request.getfixturevalue(stack)))
    assert found
    for name, reason in found:
        assert len(reason.strip()) >= SENTENCE_CHARACTERS, name


def test_checkov_is_told_of_no_check_to_leave_out_elsewhere(root: Path) -> None:
    assert "skip-check" not in (root / "containers.mk").read_text()
    assert not list(root.glob(".checkov.y*ml"))
