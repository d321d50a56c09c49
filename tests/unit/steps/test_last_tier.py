import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from flowforge.steps.last_tier import METADATA_VARIABLE, last_tier


@pytest.mark.parametrize(
    ("limit", "told"),
    [(f"{2048 << 20}\n", "2048 MiB of memory"), ("max\n", "unknown size"), (f"{(1 << 63) - 4096}\n", "unknown size")],
)
def test_the_memory_of_a_container_is_read_from_the_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, told: str
) -> None:
    monkeypatch.delenv(METADATA_VARIABLE, raising=False)
    file = tmp_path / "memory.max"
    file.write_text(limit)
    assert told in last_tier((tmp_path / "missing", file))


@pytest.mark.parametrize(
    ("answer", "told"),
    [(b'{"Limits": {"CPU": 4, "Memory": 16384}}', "has 16384 MiB"), (b"{}", "has 1024 MiB"), (b"x", "has 1024")],
)
def test_the_memory_of_a_task_is_what_ecs_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes, told: str) -> None:
    class Metadata(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/v4/0/task" else 404)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    file = tmp_path / "memory.max"
    file.write_text(str(1 << 30))
    with HTTPServer(("127.0.0.1", 0), Metadata) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        monkeypatch.setenv(METADATA_VARIABLE, f"http://127.0.0.1:{server.server_port}/v4/0")
        assert told in last_tier((file,))
        thread.join()
