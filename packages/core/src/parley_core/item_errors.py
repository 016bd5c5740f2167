"""Errors of the items of a list in the body: one answer names each of them by its place."""

from collections.abc import Iterator
from contextlib import contextmanager

from parley_core.errors import BusinessRuleError, FieldError, NotFoundError, ParleyError


@contextmanager
def pointing_at(pointer: str) -> Iterator[None]:
    """Give an error that is raised inside, and names no place of its own, one entry that points there.

    Args:
        pointer: a JSON pointer into the body, like `#/participants/2`.
    """
    try:
        yield
    except ParleyError as error:
        error.errors = error.errors or (FieldError(pointer, error.code, error.detail),)
        raise


class ItemErrors:
    """What is wrong with the items of a list in the body: each item is looked at, and one answer names all of them."""

    def __init__(self) -> None:
        self._found: list[ParleyError] = []

    @contextmanager
    def at(self, pointer: str) -> Iterator[None]:
        """Keep what an item breaks a rule of, or names in vain, and go on behind the block.

        Args:
            pointer: where the body has the item, like `#/participants/2`.
        """
        try:
            with pointing_at(pointer):
                yield
        except (BusinessRuleError, NotFoundError) as error:
            self._found.append(error)

    def check(self) -> None:
        """Raise the error of the first item that has one, with an entry for each item that has one."""
        if self._found:
            first = self._found[0]
            first.errors = tuple(entry for error in self._found for entry in error.errors)
            raise first
