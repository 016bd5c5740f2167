"""Runs with a budget and a seed: short in plain nox, long in a session each; each run prints its figures.

A module of this folder says with `SHORT` how large its short run is; `--budget` and `--seed` say otherwise.
"""

from collections.abc import Callable

import pytest

Report = Callable[[str], None]


@pytest.fixture
def budget(request: pytest.FixtureRequest) -> int:
    """How much the run does, in the unit that its module names: operations, cases or kills."""
    chosen = request.config.getoption("--budget")
    return int(request.module.SHORT if chosen is None else chosen)


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """What the run's random choices begin with."""
    return int(request.config.getoption("--seed"))


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Report:
    """Print a line of figures after the test, whether it passes or not."""
    return lambda line: request.node.add_report_section("call", "figures", line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures of all runs."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    for report in reports:
        for name, text in report.sections:
            if name == "Captured figures call":
                terminalreporter.write_line(f"{report.nodeid}: {text}")
