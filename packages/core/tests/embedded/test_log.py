"""What mongod's log says about a failure."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from parley_core.embedded import log


def an_entry(severity: str, text: str, **attributes: Any) -> str:
    return json.dumps({"s": severity, "c": "CONTROL", "msg": text, "attr": attributes})


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        pytest.param(
            [
                an_entry("I", "MongoDB starting"),
                an_entry("E", "Terminating", error="DBPathInUse: Unable to lock"),
                an_entry("F", "\n\n***aborting after fassert() failure\n\n"),
                an_entry("I", "Now exiting"),
            ],
            "Terminating: DBPathInUse: Unable to lock",
            id="first error",
        ),
        pytest.param(
            [an_entry("F", "Wrong version", error={"code": 2, "errmsg": "UPGRADE PROBLEM: too old"})],
            "Wrong version: UPGRADE PROBLEM: too old",
            id="error as a document",
        ),
        pytest.param(
            [an_entry("E", "WiredTiger error message", error=28, message={"msg": "No space left on device"})],
            "WiredTiger error message: No space left on device",
            id="storage engine",
        ),
        pytest.param(
            ["mongod: error while loading shared libraries: libcrypto.so.3: cannot open shared object file"],
            "mongod: error while loading shared libraries: libcrypto.so.3: cannot open shared object file",
            id="dynamic loader",
        ),
        pytest.param(
            ["Error parsing command line: unrecognised option '--x'", "try 'mongod --help' for more information"],
            "Error parsing command line: unrecognised option '--x'",
            id="option parser",
        ),
        pytest.param(["[1]", "no   luck", "today", ""], "today", id="anything else"),
        pytest.param([an_entry("I", "MongoDB starting")], "", id="nothing"),
    ],
)
def test_reason_of_failure(tmp_path: Path, lines: list[str], reason: str) -> None:
    """The one line is chosen that names the cause, not what followed from it."""
    path = tmp_path / "mongod.log"
    path.write_text("\n".join(lines))
    assert log.reason_of_failure(path) == reason


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (-signal.SIGKILL, "mongod was killed, as the system does when memory runs out"),
        (-signal.SIGILL, "mongod needs instructions that this processor lacks, such as AVX"),
        (-signal.SIGABRT, "mongod ended by SIGABRT"),
        (14, "mongod ended with code 14"),
    ],
)
def test_an_exit_code_in_words(tmp_path: Path, code: int, words: str) -> None:
    """Where the log says nothing, the exit code does, and the other way round."""
    path = tmp_path / "mongod.log"
    path.write_text(an_entry("I", "MongoDB starting"))
    assert log.reason_of_end(code, path) == words
    path.write_text(an_entry("E", "WiredTiger error message", error=28, message={"msg": "No space left on device"}))
    assert log.reason_of_end(code, path) == "WiredTiger error message: No space left on device"


def test_an_old_error_is_not_the_reason(tmp_path: Path) -> None:
    """Of a long log only the end is read."""
    path = tmp_path / "mongod.log"
    lines = [an_entry("E", "Slow disk"), *(an_entry("I", "Connection accepted") for _ in range(10_000))]
    path.write_text("\n".join([*lines, an_entry("F", "Out of luck")]))
    assert log.reason_of_failure(path) == "Out of luck"


def test_two_runs_are_kept(tmp_path: Path) -> None:
    """The log of the run before stays readable, those before it go."""
    path = tmp_path / "mongod.log"
    for text in ("first", "second", "third"):
        log.begin_log(path)
        path.write_text(text)
    assert {file.read_text() for file in tmp_path.iterdir()} == {"second", "third"}
