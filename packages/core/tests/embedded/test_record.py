"""Who runs the server of a data directory, as other processes read it."""

import os
from pathlib import Path

import pytest

from parley_core.embedded import running_uri
from parley_core.embedded.lock import try_lock
from parley_core.embedded.paths import locate, prepare
from parley_core.embedded.record import Record
from parley_core.errors import StartupError


def test_a_newer_field_is_left_out(tmp_path: Path) -> None:
    """A release that writes more into it runs beside one that doesn't know it."""
    path = tmp_path / "server.json"
    path.write_text('{"owner": 7, "server": 8, "host": "/m.sock", "color": "blue"}')
    path.chmod(0o600)
    assert Record.read(path) == Record(7, 8, "/m.sock")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """A record comes back as it was, and there may be none."""
    path = tmp_path / "server.json"
    assert Record.read(path) is None
    record = Record(7, 8, "/m.sock", is_kept=True)
    record.write(path)
    assert Record.read(path) == record


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", "{}", '{"owner": "me"}', '{"owner": -1}', '{"owner": 7, "server": "x"}', "\udcff",
     '{"owner": 7, "host": 8}'],
    ids=["empty", "cut", "list", "null", "nobody", "name", "negative", "no_server", "no_text", "no_host"],
)  # fmt: skip
def test_garbage_is_one_line(tmp_path: Path, content: str) -> None:
    """A damaged file is named, with what to do, where somebody needs to know who has the directory locked."""
    place = locate(tmp_path)
    prepare(place)
    place.record.write_bytes(content.encode(errors="surrogateescape"))
    place.record.chmod(0o600)
    descriptor = try_lock(place.lock)
    assert descriptor is not None
    try:
        with pytest.raises(StartupError) as failure:
            running_uri(tmp_path)
    finally:
        os.close(descriptor)
    assert str(failure.value).startswith(f"{place.record} doesn't say which server runs")
    assert "remove the file" in str(failure.value)
    assert "\n" not in str(failure.value)
