"""The rules of messages as data: participants alone read and post, administrators included.

The one function is in the module where every package keeps its rules.
"""

from parley_auth import PolicyRule
from parley_messaging.models import MessageLog


def rules_of(log: MessageLog) -> list[PolicyRule]:
    """Return the rules of a log: participants, in whatever relation and role, read always and post in its states."""
    return [
        PolicyRule(action=action, scope=log.scope, roles=None, states=states)
        for action, states in ((log.reading, None), (log.posting, log.states))
    ]
