"""Chromium without a window, which may go nowhere but to this machine, driven as WebDriver has it (W3C).

Selenium would do the same, and brings another event loop, on which pytest would then repeat every asynchronous test.
"""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from parley_app.testing import eventually

_OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server"),
    *("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--window-size=1200,2000"),
)
_SECONDS = 60  # the documentation page draws itself for long on a busy machine
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Chromium:
    """One session of a browser.

    Args:
        client: a client of its driver, with the session's address.
    """

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def go(self, address: str) -> None:
        """Open a page and return once it is loaded."""
        self._ask("url", url=address)

    def run(self, script: str, *arguments: object) -> Any:
        """Run the body of a function whose last argument is to be called with what this returns."""
        return self._ask("execute/async", script=script, args=arguments)

    def click(self, selector: str) -> None:
        """Click what the selector finds, once it is there and nothing covers it."""
        self._soon(f"element/{self._find(selector)}/click")

    def write(self, selector: str, text: str) -> None:
        """Write into a field, once it is there."""
        self._soon(f"element/{self._find(selector)}/value", text=text)

    def wait_for(self, selector: str, text: str) -> None:
        """Return once what the selector finds contains a text."""
        script = "return [...document.querySelectorAll(arguments[0])].some((e) => e.innerText.includes(arguments[1]))"
        eventually(lambda: bool(self._ask("execute/sync", script=script, args=[selector, text])), _SECONDS)

    def _find(self, selector: str) -> str:
        return str(self._soon("element", using="css selector", value=selector)[_ELEMENT])

    def _soon(self, what: str, **body: object) -> Any:
        """Ask until it is possible."""
        found: list[Any] = []

        def succeeds() -> bool:
            answer = self._client.post(what, json=body)
            found.append(answer.json()["value"])
            return answer.is_success

        eventually(succeeds, _SECONDS)
        return found[-1]

    def _ask(self, what: str, **body: object) -> Any:
        answer = self._client.post(what, json=body)
        assert answer.is_success, answer.text
        return answer.json()["value"]


@contextmanager
def running_chromium(folder: Path) -> Iterator[Chromium]:
    """Run Chromium with an empty profile; skip the test visibly where it or its driver isn't installed."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("chromium and chromedriver are not installed (Debian: chromium-driver)")
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with (folder / "chromedriver.log").open("wb") as log:
        process = subprocess.Popen([driver, f"--port={port}"], stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=_SECONDS, trust_env=False) as client:
            eventually(lambda: _is_ready(client), _SECONDS)
            options = {"binary": browser, "args": [*_OPTIONS, f"--user-data-dir={folder / 'profile'}"]}
            wanted = {"goog:chromeOptions": options, "timeouts": {"script": 1000 * _SECONDS}}
            answer = client.post("session", json={"capabilities": {"alwaysMatch": wanted}})
            assert answer.is_success, answer.text
            client.base_url = client.base_url.join(f"/session/{answer.json()['value']['sessionId']}/")
            try:
                yield Chromium(client)
            finally:
                client.delete("")
    finally:
        process.terminate()
        process.wait(_SECONDS)


def _is_ready(client: httpx.Client) -> bool:
    try:
        return bool(client.get("status").json()["value"]["ready"])
    except httpx.TransportError:
        return False
