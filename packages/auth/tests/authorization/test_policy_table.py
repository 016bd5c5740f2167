"""The policy table as pure functions of role, relation and state."""

import itertools

import pytest

from parley_auth import OUTSIDER, PolicyRule, PolicyTable
from parley_auth.authorization.policy_table import Verdict

ROLES = ("admin", "staff", "guest")
RELATIONS = ("helper", "subject", OUTSIDER)
ADMINS, STAFF, HELPERS = frozenset({"admin"}), frozenset({"staff"}), frozenset({"helper"})
ALLOWED, STRANGER, DENIED = Verdict.ALLOWED, Verdict.NOT_A_PARTICIPANT, Verdict.PERMISSION_DENIED

TABLE = PolicyTable(
    [
        PolicyRule(action="tools:use", roles=STAFF),
        PolicyRule(action="tools:see", roles=None),
        PolicyRule(
            action="things:manage",
            scope="thing",
            roles=ADMINS,
            relations=HELPERS | {OUTSIDER},
            states=frozenset({"new", "open"}),
        ),
        PolicyRule(
            action="things:open",
            scope="thing",
            roles=ADMINS,
            relations=HELPERS | {OUTSIDER},
            states=frozenset({"new"}),
        ),
        PolicyRule(
            action="things:open", scope="thing", roles=STAFF, relations=HELPERS, states=frozenset({"new", "shut"})
        ),
        PolicyRule(action="things:say", scope="thing", roles=None),
        PolicyRule(action="secrets:give", roles=ADMINS, for_keys=False),
    ]
)

VERDICTS = {
    # action: role: (as helper, as subject, as outsider)
    "tools:use": {"admin": (DENIED,) * 3, "staff": (ALLOWED,) * 3, "guest": (DENIED,) * 3},
    "tools:see": dict.fromkeys(ROLES, (ALLOWED,) * 3),
    "things:manage": {
        "admin": (ALLOWED, DENIED, ALLOWED),
        "staff": (DENIED, DENIED, STRANGER),
        "guest": (DENIED, DENIED, STRANGER),
    },
    "things:open": {
        "admin": (ALLOWED, DENIED, ALLOWED),
        "staff": (ALLOWED, DENIED, STRANGER),
        "guest": (DENIED, DENIED, STRANGER),
    },
    "things:say": dict.fromkeys((*ROLES, "a role that nobody declares any more"), (ALLOWED, ALLOWED, STRANGER)),
    "things:unheard_of": dict.fromkeys(ROLES, (DENIED,) * 3),
}
STATES = {
    # action, role, relation: the states in which it is permitted
    ("things:manage", "admin", OUTSIDER): {"new", "open"},
    ("things:manage", "admin", "helper"): {"new", "open"},
    ("things:open", "admin", OUTSIDER): {"new"},
    ("things:open", "admin", "helper"): {"new"},
    ("things:open", "staff", "helper"): {"new", "shut"},
    **{("things:say", role, part): {"new", "open", "shut"} for role in ROLES for part in ("helper", "subject")},
}


class TestDecide:
    @pytest.mark.parametrize("action", VERDICTS)
    def test_one_action(self, action: str) -> None:
        """Each role gets the verdict of the table, in each relation."""
        for role, verdicts in VERDICTS[action].items():
            decided = tuple(TABLE.decide((action,), role, relation=relation).verdict for relation in RELATIONS)
            assert decided == verdicts, role

    def test_several_actions(self) -> None:
        """A caller who may do one of several actions is let through."""
        actions = ("things:manage", "things:say")
        verdicts = {
            (role, relation): TABLE.decide(actions, role, relation=relation).verdict
            for role, relation in itertools.product(ROLES, RELATIONS)
        }
        outside = {"admin": ALLOWED, "staff": STRANGER, "guest": STRANGER}
        inside = {(role, relation): ALLOWED for role in ROLES for relation in ("helper", "subject")}
        assert verdicts == inside | {(role, OUTSIDER): verdict for role, verdict in outside.items()}

    def test_permitted_actions(self) -> None:
        """A decision names the permitted actions."""
        actions = ("things:open", "things:say", "things:manage")
        expected: dict[tuple[str, str], frozenset[str]] = {
            ("admin", "helper"): frozenset({"things:open", "things:say", "things:manage"}),
            ("admin", "subject"): frozenset({"things:say"}),
            ("admin", OUTSIDER): frozenset({"things:open", "things:manage"}),
            ("staff", "helper"): frozenset({"things:open", "things:say"}),
            ("staff", "subject"): frozenset({"things:say"}),
            ("staff", OUTSIDER): frozenset(),
            ("guest", "helper"): frozenset({"things:say"}),
        }
        for (role, relation), permitted in expected.items():
            decision = TABLE.decide(actions, role, relation=relation)
            assert (decision.actions, decision.permitted) == (actions, permitted)

    def test_is_made_once(self) -> None:
        """The same question gets the same object, so that a request builds none."""
        first, second = (TABLE.decide(("things:say",), "admin", relation="helper") for _ in range(2))
        assert first is second


class TestPermits:
    @pytest.mark.parametrize("action", ["things:manage", "things:open", "things:say", "things:unheard_of"])
    def test_each_state(self, action: str) -> None:
        """An action is permitted in the states of the rules for this role and relation, and in no other."""
        for role, relation, state in itertools.product(ROLES, RELATIONS, ("new", "open", "shut")):
            permitted = TABLE.permits(action, role, relation=relation, state=state)
            assert permitted == (state in STATES.get((action, role, relation), set())), (role, relation, state)

    def test_states_of_all_rules(self) -> None:
        """The states of an action are those of any of its rules; one without states means all."""
        assert TABLE.states_of("things:open") == frozenset({"new", "shut"})
        assert TABLE.states_of("things:manage") == frozenset({"new", "open"})
        assert TABLE.states_of("things:say") is None


def test_actions_of_keys() -> None:
    """A key may have what administrators may do without participating, unless a rule says that it may not."""
    actions = ("tools:use", "tools:see", "things:manage", "things:open", "things:say", "secrets:give", "no:such")
    assert [action for action in actions if TABLE.is_for_keys(action)] == ["tools:see", "things:manage", "things:open"]


def test_lookup() -> None:
    """A table knows its actions, their rules and their scope; a question about an unknown action doesn't change it."""
    assert "things:say" in TABLE
    assert "things:unheard_of" not in TABLE
    assert TABLE.of("things:unheard_of") == ()
    assert [rule.action for rule in TABLE.of("things:open")] == ["things:open"] * 2
    assert (TABLE.scope_of("things:say"), TABLE.scope_of("tools:use")) == ("thing", None)
    assert "things:unheard_of" not in TABLE
