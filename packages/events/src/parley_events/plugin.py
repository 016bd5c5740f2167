"""The table of contents of events."""

from parley_auth import PolicyRule
from parley_core import hookimpl
from parley_events import policy


@hookimpl
def parley_policies() -> list[PolicyRule]:
    return policy.POLICIES
