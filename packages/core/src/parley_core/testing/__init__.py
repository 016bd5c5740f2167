"""What tests need, as a pytest plugin: `-p parley_core.testing`; the extra `parley-core[testing]` brings its packages.

Tests talk to a real MongoDB: the embedded one, started once for a test run, with a database of its own for each test.
"""

from parley_core.testing.builders import (
    NOON,
    EndlessBody,
    MovableClock,
    a_plugin,
    an_application,
    impatient,
    links_of,
    logged,
    running_client,
    walk,
)

__all__ = [
    "NOON",
    "EndlessBody",
    "MovableClock",
    "a_plugin",
    "an_application",
    "impatient",
    "links_of",
    "logged",
    "running_client",
    "walk",
]

# Read by pytest, which loads the fixtures as a plugin of their own; builders alone don't need pytest.
pytest_plugins = ["parley_core.testing.fixtures"]
