"""Which addresses a name has, for tests: there is no name server in them."""

import socket
from collections.abc import Sequence
from typing import Any

import pytest

_REAL = socket.getaddrinfo


class Names:
    """Answers for the names that it has; all others are resolved as always.

    Args:
        monkeypatch: undoes it after the test.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self._answers: dict[str, list[Sequence[str]]] = {}
        monkeypatch.setattr(socket, "getaddrinfo", self._look_up)

    def set(self, name: str, *answers: Sequence[str]) -> None:
        """Give a name its addresses; of several answers each is given once, the last one for good."""
        self._answers[name] = list(answers)

    def _look_up(self, host: Any, port: Any, *options: Any, **more: Any) -> Any:
        answers = self._answers.get(host)
        if answers is None:
            return _REAL(host, port, *options, **more)
        self.asked.append(host)
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [entry for address in addresses for entry in _REAL(address, port, *options, **more)]
