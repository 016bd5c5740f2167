"""A real nginx in front of servers, with the configuration that docs/deploying.md shows."""

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from parley_app.testing import eventually

PAGE = Path(__file__).parents[2] / "docs" / "deploying.md"
_BLOCK = re.compile(r"^```nginx\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_UPSTREAM = re.compile(r"^upstream parley \{.*?^\}\n", re.MULTILINE | re.DOTALL)
_ADDRESS = re.compile(r"^ *listen 443 ssl;\n *ssl_certificate .*\n *ssl_certificate_key .*\n", re.MULTILINE)
_LOCATION = re.compile(r"^    location / \{.*?^    \}\n", re.MULTILINE | re.DOTALL)
_SECONDS = 10
# All of it in one process and one folder; compressing everything is what weakens entity tags and delays streams.
_AROUND = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    gzip on;
    gzip_min_length 1;
    gzip_types *;
    gzip_proxied any;
{servers}
}}
"""
_PAGE_OF_ANOTHER_ORIGIN = """
server {{
    listen 127.0.0.1:{port};
    default_type text/html;
    location / {{ return 200 '<!doctype html><link rel="icon" href="data:,"><title>Another</title>'; }}
}}
"""


def free_ports(count: int) -> list[int]:
    """Return ports of 127.0.0.1 that nobody listens on."""
    with ExitStack() as taken:
        sockets = [taken.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(each.getsockname()[1]) for each in sockets]


def documented() -> Sequence[str]:
    """Return the blocks of the page: a whole server, a socket's upstream, and two locations with a prefix."""
    return _BLOCK.findall(PAGE.read_text(encoding="utf-8"))


def server_of(name: str, uds: Path, port: int, location: str | None = None) -> str:
    """Return the documented server with another address, without TLS, and with another location where one is given."""
    server, upstream, *_ = documented()
    text = _replaced(_UPSTREAM, upstream.replace("/run/parley/parley.sock", str(uds)), server)
    text = _replaced(_ADDRESS, f"    listen 127.0.0.1:{port};\n", text)
    text = _replaced(_LOCATION, location, text) if location else text
    return text.replace("upstream parley", f"upstream {name}").replace("http://parley", f"http://{name}")


def page_of_another_origin(port: int) -> str:
    """Return a server of nothing but an empty page."""
    return _PAGE_OF_ANOTHER_ORIGIN.format(port=port)


@contextmanager
def running_nginx(folder: Path, ports: Sequence[int], *servers: str) -> Iterator[None]:
    """Run nginx with these servers; skip the test visibly where there is none."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        pytest.skip("nginx is not installed (Debian: nginx-light)")
    configuration = folder / "nginx.conf"
    configuration.write_text(_AROUND.format(folder=folder, servers="\n".join(servers)))
    command = [program, "-p", str(folder), "-c", str(configuration), "-e", "stderr"]
    with (folder / "nginx.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        eventually(lambda: process.poll() is not None or all(map(_accepts, ports)), _SECONDS)
        assert process.poll() is None, (folder / "nginx.log").read_text()
        yield
    finally:
        process.terminate()
        process.wait(_SECONDS)


def _replaced(pattern: re.Pattern[str], new: str, text: str) -> str:
    changed, count = pattern.subn(lambda _: new, text)
    assert count == 1, f"docs/deploying.md has no such part: {pattern.pattern}"
    return changed


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
