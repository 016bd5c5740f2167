"""What the failures of MongoDB mean."""

from pymongo.errors import ConfigurationError, ConnectionFailure, CursorNotFound, OperationFailure, PyMongoError

from parley_core.errors import StartupError, Unavailable

DatabaseError = PyMongoError
"""The base of all errors of the database."""

# Of a transaction that met conflicts until its time was over, and of one of which nobody knows whether it committed.
_UNKNOWN_OUTCOME = ("TransientTransactionError", "UnknownTransactionCommitResult")


class DatabaseAway(StartupError):
    """MongoDB can't be reached or takes no writes for now: the same start may succeed a little later."""


def is_unavailable(error: PyMongoError) -> bool:
    """Return whether MongoDB didn't answer in time, rather than refused."""
    # The start has checked that this deployment has sessions: a member that has just started doesn't know it yet. Nor
    # does it know the cursor of a read that began before.
    return isinstance(error, ConfigurationError | ConnectionFailure | CursorNotFound) or error.timeout


def has_unknown_outcome(error: PyMongoError) -> bool:
    """Return whether a transaction that failed like this may have committed, or may succeed when it is repeated."""
    return is_unavailable(error) or any(map(error.has_error_label, _UNKNOWN_OUTCOME))


def is_outage(error: BaseException) -> bool:
    """Return whether an error means that MongoDB is away for a while."""
    return isinstance(error, Unavailable | DatabaseAway) or (isinstance(error, PyMongoError) and is_unavailable(error))


def stems_from_outage(error: BaseException) -> bool:
    """Return whether this error, or one that it was raised from, means that MongoDB is away for a while."""
    cause: BaseException | None = error
    while cause is not None and not is_outage(cause):
        cause = cause.__cause__
    return cause is not None


def is_ambiguous(error: BaseException) -> bool:
    """Return whether a write that failed like this may have happened nevertheless."""
    if not isinstance(error, PyMongoError):
        return True
    return is_unavailable(error) or error.has_error_label("RetryableWriteError")


def reason_of(error: PyMongoError) -> str:
    """Return why MongoDB refused something, or that it didn't answer, without anything that is stored."""
    if not isinstance(error, OperationFailure):
        return f"MongoDB did not answer ({type(error).__name__})"
    # What follows "dup key" is stored data.
    return str((error.details or {}).get("errmsg", "refused")).partition(" dup key:")[0]
