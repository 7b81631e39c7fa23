"""A thermal printer on the network: a small real TCP server that keeps what it was sent."""

from __future__ import annotations

import socket
import threading

ASKS = b"\x1dr\x01"


class TcpPrinter:
    """Listens on loopback; says that it is done where `answer` says what.

    Attributes:
        answer: to the question after a ticket; b"" stays silent, as a jammed printer does.
        received: of each connection.
    """

    def __init__(self, answer: bytes = b"\x00") -> None:
        self.answer = answer
        self.received: list[bytes] = []
        self.came = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> TcpPrinter:
        return self

    def __exit__(self, *_: object) -> None:
        # close() alone leaves a thread that waits in accept() waiting.
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    @property
    def data(self) -> bytes:
        return b"".join(self.received)

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._server.accept()
            except OSError:
                return
            self.received.append(b"")
            take = (peer, len(self.received) - 1)
            threading.Thread(target=self._take, args=take, daemon=True).start()

    def _take(self, peer: socket.socket, number: int) -> None:
        with peer:
            while data := peer.recv(65536):
                self.received[number] += data
                self.came.set()
                if self.answer and self.received[number].endswith(ASKS):
                    peer.sendall(self.answer)
