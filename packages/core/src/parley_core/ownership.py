"""One name, one owner: the check that every registry makes of what plugins declare."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeVar

from parley_core.declarations import Declared
from parley_core.errors import StartupError

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


def single_owner(
    declared: Iterable[Declared[T]], names_of: Callable[[T], Iterable[K]], *, what: str
) -> dict[K, Declared[T]]:
    """Return the declaration of each name.

    Args:
        declared: all declarations of one kind.
        names_of: the names that a declaration takes.
        what: what a name is the name of, as in "collection".

    Raises:
        StartupError: two declarations take one name; the message names it and both owners.
    """
    declarations = list(declared)
    for clash in clashes(declarations, names_of, what=what):
        raise StartupError(clash)
    return {name: declaration for declaration in declarations for name in names_of(declaration.value)}


def clashes(declared: Iterable[Declared[T]], names_of: Callable[[T], Iterable[K]], *, what: str) -> Iterator[str]:
    """Yield one sentence for each name that a second declaration takes; arguments as for `single_owner`."""
    owners: dict[K, Declared[T]] = {}
    for declaration in declared:
        for name in names_of(declaration.value):
            if (first := owners.setdefault(name, declaration)) is not declaration:
                yield f"{what} '{name}' is declared by {first.owner} and by {declaration.owner}"
