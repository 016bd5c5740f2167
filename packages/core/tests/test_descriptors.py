"""The part of a process's descriptors that open streams may take."""

import resource
import subprocess
import sys

import pytest

from parley_core.descriptors import descriptor_limit, streams_for


@pytest.mark.parametrize(
    ("limit", "pool_size", "expected"),
    [
        (1024, 16, 472),
        (1024, 500, 230),
        (256, 16, 88),
        (64, 16, 1),
        (0, 16, 1),
        (2**20, 16, 10_000),
        (None, 16, 10_000),
    ],
)
def test_streams_for(limit: int | None, pool_size: int, expected: int) -> None:
    """Streams get half of what MongoDB's connections and a reserve leave: one at least, what memory allows at most."""
    assert streams_for(limit, pool_size=pool_size) == expected


def test_limit() -> None:
    """The limit is the one that the process has at the moment of the question."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lower = 512 if soft == resource.RLIM_INFINITY else min(512, soft)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lower, hard))
    try:
        assert descriptor_limit() == lower
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert descriptor_limit() == (None if soft == resource.RLIM_INFINITY else soft)


def test_import_without_the_module() -> None:
    """Core is imported where Python has no module `resource`, as on Windows."""
    without = "import sys; sys.modules['resource'] = None; import parley_core, parley_core.descriptors"
    subprocess.run([sys.executable, "-c", without], check=True)
