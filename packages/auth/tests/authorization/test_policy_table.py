"""The policy table as pure functions of role, membership and state."""

import itertools

import pytest

from parley_auth import Membership, PolicyRule, PolicyTable
from parley_auth.authorization.policy_table import Verdict

ADMINS, INTERVIEWERS, ALL = (
    frozenset({"admin"}),
    frozenset({"interviewer"}),
    frozenset({"admin", "interviewer", "candidate"}),
)
ALLOWED, STRANGER, DENIED = Verdict.ALLOWED, Verdict.NOT_A_PARTICIPANT, Verdict.PERMISSION_DENIED
PARTICIPANT = Membership.PARTICIPANT

TABLE = PolicyTable(
    [
        PolicyRule(action="tools:use", roles=INTERVIEWERS),
        PolicyRule(action="things:manage", scope="thing", roles=ADMINS, states=frozenset({"new", "open"})),
        PolicyRule(action="things:open", scope="thing", roles=ADMINS, states=frozenset({"new"})),
        PolicyRule(
            action="things:open",
            scope="thing",
            roles=INTERVIEWERS,
            membership=PARTICIPANT,
            states=frozenset({"new", "shut"}),
        ),
        PolicyRule(action="things:say", scope="thing", roles=ALL, membership=PARTICIPANT),
    ]
)

VERDICTS = {
    # action: (member, stranger) for each role
    "tools:use": {"admin": (DENIED, DENIED), "interviewer": (ALLOWED, ALLOWED), "candidate": (DENIED, DENIED)},
    "things:manage": {
        "admin": (ALLOWED, ALLOWED),
        "interviewer": (DENIED, STRANGER),
        "candidate": (DENIED, STRANGER),
    },
    "things:open": {
        "admin": (ALLOWED, ALLOWED),
        "interviewer": (ALLOWED, STRANGER),
        "candidate": (DENIED, STRANGER),
    },
    "things:say": {
        "admin": (ALLOWED, STRANGER),
        "interviewer": (ALLOWED, STRANGER),
        "candidate": (ALLOWED, STRANGER),
    },
    "things:unheard_of": dict.fromkeys(("admin", "interviewer", "candidate"), (DENIED, DENIED)),
}
STATES = {
    # action: role, member -> the states in which it is permitted
    ("things:manage", "admin", False): {"new", "open"},
    ("things:manage", "admin", True): {"new", "open"},
    ("things:open", "admin", False): {"new"},
    ("things:open", "admin", True): {"new"},
    ("things:open", "interviewer", True): {"new", "shut"},
    ("things:say", "admin", True): {"new", "open", "shut"},
    ("things:say", "interviewer", True): {"new", "open", "shut"},
    ("things:say", "candidate", True): {"new", "open", "shut"},
}


class TestDecide:
    @pytest.mark.parametrize("action", VERDICTS)
    def test_one_action(self, action: str) -> None:
        """Each role, as participant and as stranger, gets the verdict of the table."""
        for role, verdicts in VERDICTS[action].items():
            decided = tuple(TABLE.decide((action,), role, member=member).verdict for member in (True, False))
            assert decided == verdicts, role

    def test_several_actions(self) -> None:
        """A caller who may do one of several actions is let through."""
        actions = ("things:manage", "things:say")
        verdicts = {
            (r, m): TABLE.decide(actions, r, member=m).verdict
            for r in ("admin", "interviewer", "candidate")
            for m in (True, False)
        }
        assert verdicts == {
            ("admin", True): ALLOWED,
            ("admin", False): ALLOWED,
            ("interviewer", True): ALLOWED,
            ("interviewer", False): STRANGER,
            ("candidate", True): ALLOWED,
            ("candidate", False): STRANGER,
        }

    def test_permitted_actions(self) -> None:
        """A decision names the permitted actions, each with whether only because the caller is a participant."""
        actions = ("things:open", "things:say", "things:manage")
        expected: dict[tuple[str, bool], dict[str, bool]] = {
            ("admin", True): {"things:open": False, "things:say": True, "things:manage": False},
            ("admin", False): {"things:open": False, "things:manage": False},
            ("interviewer", True): {"things:open": True, "things:say": True},
            ("interviewer", False): {},
            ("candidate", True): {"things:say": True},
        }
        for (role, member), permitted in expected.items():
            decision = TABLE.decide(actions, role, member=member)
            assert (decision.actions, decision.permitted) == (actions, permitted)

    def test_is_made_once(self) -> None:
        """The same question gets the same object, so that a request builds none."""
        first, second = (TABLE.decide(("things:say",), "admin", member=True) for _ in range(2))
        assert first is second


class TestPermits:
    @pytest.mark.parametrize("action", ["things:manage", "things:open", "things:say", "things:unheard_of"])
    def test_each_state(self, action: str) -> None:
        """An action is permitted in the states of the rules for this role and membership, and in no other."""
        for role, member, state in itertools.product(
            ("admin", "interviewer", "candidate"), (True, False), ("new", "open", "shut")
        ):
            permitted = TABLE.permits(action, role, member=member, state=state)
            assert permitted == (state in STATES.get((action, role, member), set())), (role, member, state)

    def test_states_of_all_rules(self) -> None:
        """The states of an action are those of any of its rules; one without states means all."""
        assert TABLE.states_of("things:open") == frozenset({"new", "shut"})
        assert TABLE.states_of("things:manage") == frozenset({"new", "open"})
        assert TABLE.states_of("things:say") is None


def test_lookup() -> None:
    """A table knows its actions, their rules and their scope; a question about an unknown action doesn't change it."""
    assert "things:say" in TABLE
    assert "things:unheard_of" not in TABLE
    assert TABLE.of("things:unheard_of") == ()
    assert [rule.action for rule in TABLE.of("things:open")] == ["things:open"] * 2
    assert (TABLE.scope_of("things:say"), TABLE.scope_of("tools:use")) == ("thing", None)
    assert "things:unheard_of" not in TABLE
