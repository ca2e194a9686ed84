"""A way to a PostgreSQL server that loses the connection at a COMMIT, before or after it."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack, suppress
from typing import Self
from urllib.parse import urlsplit, urlunsplit


class CutAtCommit:
    """Forwards connections; once armed, drops the first one that sends COMMIT.

    With `delivered`, the server gets the COMMIT and answers it, and that answer is lost; without,
    the COMMIT itself is lost.
    """

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = [self._listener]
        self._armed = threading.Event()
        self._delivered = False
        self.cuts = 0
        port = self._listener.getsockname()[1]
        user = f"{self._target.username}@" if self._target.username else ""
        self.url = urlunsplit(self._target._replace(netloc=f"{user}127.0.0.1:{port}"))

    def arm(self, *, delivered: bool) -> None:
        """Drops the connection of the next COMMIT."""
        self._delivered = delivered
        self._armed.set()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with ExitStack() as stack:
            for each in self._sockets:
                stack.callback(each.close)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(
                    (self._target.hostname or "127.0.0.1", self._target.port or 5432)
                )
                self._sockets += [client, server]
                threading.Thread(target=self._to_server, args=(client, server), daemon=True).start()
                threading.Thread(target=self._to_client, args=(client, server), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                if b"COMMIT" in data and self._armed.is_set():
                    self.cuts += 1
                    if not self._delivered:
                        self._armed.clear()
                        break
                server.sendall(data)
        self._end(client, server)

    def _to_client(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                if b"COMMIT" in data and self._armed.is_set():
                    self._armed.clear()
                    break
                client.sendall(data)
        self._end(client, server)

    @staticmethod
    def _end(*ends: socket.socket) -> None:
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
