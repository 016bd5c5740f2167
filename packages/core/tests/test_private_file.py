"""Secrets that are made once: one text counts, whole, and only its owner can read it."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from parley_core.private_file import store_once


def test_mode(tmp_path: Path) -> None:
    """Only the owner can read the file, whatever the process's umask is."""
    previous = os.umask(0)
    try:
        store_once(tmp_path / "secret", "text")
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_race(tmp_path: Path) -> None:
    """The second of two processes keeps the first one's text and leaves no draft behind."""
    path = tmp_path / "secret"
    store_once(path, "first")
    store_once(path, "second")
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_many_at_once(tmp_path: Path) -> None:
    """Of many who store at once one counts, and each reads a whole text."""
    path = tmp_path / "secret"

    def store(number: int) -> str:
        store_once(path, f"{number:1000}")
        return path.read_text()

    with ThreadPoolExecutor(20) as threads:
        texts = set(threads.map(store, range(20)))
    assert len(texts) == 1
    assert {len(text) for text in texts} == {1000}
    assert list(tmp_path.iterdir()) == [path]
