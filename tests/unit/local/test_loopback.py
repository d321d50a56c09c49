"""Proxies of the network and what stays on this machine."""

import os

import pytest

from flowforge.local.loopback import bypass_proxies


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, "127.0.0.1,localhost"),
        ("", "127.0.0.1,localhost"),
        ("example.com", "example.com,127.0.0.1,localhost"),
        ("localhost, 127.0.0.1", "localhost, 127.0.0.1"),
        ("*", "*"),
    ],
)
def test_this_machine_is_added_to_what_goes_past_the_proxy(
    monkeypatch: pytest.MonkeyPatch, given: str | None, expected: str
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, given or "")
        if given is None:
            monkeypatch.delenv(name)
    bypass_proxies()
    assert (os.environ["NO_PROXY"], os.environ["no_proxy"]) == (expected, expected)
