"""What the failures of MongoDB mean."""

import pytest
from pymongo.errors import (
    AutoReconnect,
    ConfigurationError,
    CursorNotFound,
    DuplicateKeyError,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
)

from parley_core.data.failures import DatabaseAway, has_unknown_outcome, is_unavailable, stems_from_outage
from parley_core.errors import StartupError, Unavailable


def labelled(label: str) -> PyMongoError:
    return OperationFailure("refused", 251, {"errorLabels": [label]})


@pytest.mark.parametrize(
    ("error", "unavailable"),
    [
        pytest.param(AutoReconnect("connection closed"), True, id="lost"),
        pytest.param(NetworkTimeout("timed out"), True, id="timed_out"),
        pytest.param(OperationFailure("operation exceeded time limit", 50), True, id="too_slow"),
        # What a transaction meets that begins while mongod is up again, but not yet a member of its replica set.
        pytest.param(ConfigurationError("Sessions are not supported by this MongoDB deployment"), True, id="starting"),
        # What a read meets that takes several batches, when mongod was started again after the first.
        pytest.param(CursorNotFound("cursor id 1 not found", 43), True, id="cursor_lost"),
        pytest.param(DuplicateKeyError("E11000", 11000), False, id="duplicate"),
        pytest.param(OperationFailure("bad value", 2), False, id="refused"),
    ],
)
def test_unavailable(error: PyMongoError, *, unavailable: bool) -> None:
    """MongoDB that didn't answer in time is unavailable; one that refused something isn't."""
    assert is_unavailable(error) is unavailable


@pytest.mark.parametrize(
    ("error", "is_unknown"),
    [
        pytest.param(NetworkTimeout("timed out"), True, id="timed_out"),
        pytest.param(labelled("UnknownTransactionCommitResult"), True, id="commit"),
        pytest.param(labelled("TransientTransactionError"), True, id="conflict"),
        pytest.param(labelled("RetryableWriteError"), False, id="write"),
        pytest.param(DuplicateKeyError("E11000", 11000), False, id="duplicate"),
    ],
)
def test_unknown_outcome(error: PyMongoError, *, is_unknown: bool) -> None:
    """Of a transaction nobody knows what became where MongoDB says so, or where it didn't answer."""
    assert has_unknown_outcome(error) is is_unknown


def raised_from(cause: Exception) -> Exception:
    between, error = StartupError("plugin 'notes': its lifespan raised something"), RuntimeError("two steps away")
    between.__cause__, error.__cause__ = cause, between
    return error


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        pytest.param(DatabaseAway("no primary"), True, id="away"),
        pytest.param(Unavailable(), True, id="unavailable"),
        pytest.param(raised_from(AutoReconnect("connection closed")), True, id="cause"),
        pytest.param(raised_from(OperationFailure("bad auth", 18)), False, id="other_cause"),
        pytest.param(StartupError("PARLEY_JWT_SECRET is missing"), False, id="wrong_setting"),
    ],
)
def test_outage_as_the_cause(error: Exception, *, is_one: bool) -> None:
    """A start is tried again only where MongoDB was away, however many steps away that was noticed."""
    assert stems_from_outage(error) is is_one
