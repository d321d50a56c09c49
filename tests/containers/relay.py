"""Lets containers reach a server of the host that listens on 127.0.0.1 only.

`sam local invoke --docker-network host` leaves the container in the engine's bridge network (SAM CLI 1.170.0 skips that
name; aws/aws-sam-cli issues 3609 and 4236), where 127.0.0.1 is the container itself. So a relay listens on the bridge's
own address, which this machine and its containers reach and nobody else.
"""

import contextlib
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator

CHUNK_BYTES = 1 << 16


def bridge_address() -> str:
    """The host's address in the engine's bridge network."""
    template = "{{(index .IPAM.Config 0).Gateway}}"
    command = ["docker", "network", "inspect", "bridge", "--format", template]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, address: str, port: int) -> None:
        super().__init__((address, 0), _Connection)
        self.port = port


class _Connection(socketserver.BaseRequestHandler):
    server: _Server
    request: socket.socket

    def handle(self) -> None:
        with socket.create_connection(("127.0.0.1", self.server.port)) as upstream:
            back = threading.Thread(target=_copy, args=(upstream, self.request))
            back.start()
            _copy(self.request, upstream)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Pass on bytes until the source ends, and the end with them."""
    with contextlib.suppress(OSError):
        while chunk := source.recv(CHUNK_BYTES):
            target.sendall(chunk)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def relayed(port: int) -> Iterator[str]:
    """The URL at which containers reach ``port`` of this machine's 127.0.0.1."""
    with _Server(bridge_address(), port) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            host, own_port = server.server_address[:2]
            yield f"http://{host!s}:{own_port}"
        finally:
            server.shutdown()
