"""One name, one owner."""

import pytest

from parley_core import StartupError
from parley_core.declarations import Declared
from parley_core.ownership import clashes, single_owner


def declared(plugin: str, *names: str) -> Declared[tuple[str, ...]]:
    return Declared(plugin, names)


class TestSingleOwner:
    def test_each_name(self) -> None:
        """Every name leads to its declaration, also where one declaration takes several."""
        one, two = declared("one", "a", "b"), declared("two", "c")
        assert single_owner([one, two], lambda names: names, what="name") == {"a": one, "b": one, "c": two}

    def test_second_owner(self) -> None:
        """A name that is taken stops the start; the message has the name and both owners."""
        with pytest.raises(StartupError) as failure:
            single_owner(iter([declared("one", "a"), declared("", "b", "a")]), lambda names: names, what="letter")
        assert str(failure.value) == "letter 'a' is declared by plugin 'one' and by the application itself"

    def test_declared_twice(self) -> None:
        """One thing that is declared twice has two owners, even if they are the same plugin."""
        with pytest.raises(StartupError, match="name 'a' is declared by plugin 'one' and by plugin 'one'"):
            single_owner([declared("one", "a"), declared("one", "a")], lambda names: names, what="name")

    def test_repeated_name(self) -> None:
        """A declaration may say its own name twice."""
        one = declared("one", "a", "a")
        assert single_owner([one], lambda names: names, what="name") == {"a": one}


def test_clashes() -> None:
    """Every clash is found, not the first one alone; each is with the first owner."""
    found = clashes(
        [declared("one", "a"), declared("two", "a", "b"), declared("three", "b", "a")], lambda names: names, what="name"
    )
    assert list(found) == [
        "name 'a' is declared by plugin 'one' and by plugin 'two'",
        "name 'b' is declared by plugin 'two' and by plugin 'three'",
        "name 'a' is declared by plugin 'one' and by plugin 'three'",
    ]
