"""What the failures of MongoDB mean."""

import pytest
from pymongo.errors import (
    AutoReconnect,
    ConfigurationError,
    DuplicateKeyError,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
)

from parley_core.data.failures import is_unavailable


@pytest.mark.parametrize(
    ("error", "unavailable"),
    [
        pytest.param(AutoReconnect("connection closed"), True, id="lost"),
        pytest.param(NetworkTimeout("timed out"), True, id="timed_out"),
        pytest.param(OperationFailure("operation exceeded time limit", 50), True, id="too_slow"),
        # What a transaction meets that begins while mongod is up again, but not yet a member of its replica set.
        pytest.param(ConfigurationError("Sessions are not supported by this MongoDB deployment"), True, id="starting"),
        pytest.param(DuplicateKeyError("E11000", 11000), False, id="duplicate"),
        pytest.param(OperationFailure("bad value", 2), False, id="refused"),
    ],
)
def test_unavailable(error: PyMongoError, *, unavailable: bool) -> None:
    """MongoDB that didn't answer in time is unavailable; one that refused something isn't."""
    assert is_unavailable(error) is unavailable
