import pytest

from flowforge.steps import machine_memory
from flowforge.steps.machine_memory import memory_for_data_bytes

MIB = 1 << 20


def test_a_function_leaves_a_share_of_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "2048")
    assert memory_for_data_bytes() == (1638 - 400) * MIB
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
    assert memory_for_data_bytes() == 0


def test_elsewhere_the_container_or_the_machine_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", raising=False)
    monkeypatch.setattr(machine_memory, "container_memory_mib", lambda: 8192)
    assert memory_for_data_bytes() == (6553 - 400) * MIB
    monkeypatch.setattr(machine_memory, "container_memory_mib", lambda: None)
    assert memory_for_data_bytes() > 0
