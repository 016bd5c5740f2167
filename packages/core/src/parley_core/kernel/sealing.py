"""What was proved stays so: routes and overrides of a running application don't change without a new proof.

A list or dictionary of FastAPI's is replaced by one that asks before it changes. Iterating and looking up, which is all
that requests do, stay those of `list` and `dict`.
"""

import functools
from collections.abc import Callable, Iterable
from typing import Any

from parley_core.errors import StartupError

_CHANGES = ("__delitem__", "__iadd__", "__imul__", "__ior__", "__setitem__", "append", "clear", "extend", "insert")
_MORE_CHANGES = ("pop", "popitem", "remove", "reverse", "setdefault", "sort", "update")
_ORIGINALS: dict[type, type] = {}


class SealedList(list[Any]):
    """A list that is an attribute of `owner`; `permit` is given what a change has added, and raises to undo it."""

    owner: object
    permit: Callable[[Iterable[Any]], None]


class SealedDict(dict[Any, Any]):
    """The same for a dictionary; `permit` is given the keys that have another value, or none."""

    owner: object
    permit: Callable[[Iterable[Any]], None]


def _asking(cls: type[Any], name: str) -> Callable[..., Any]:
    plain = getattr(cls.__mro__[1], name)

    @functools.wraps(plain)
    def change(self: Any, *args: Any, **named: Any) -> Any:
        before = self.copy()
        result = plain(self, *args, **named)
        try:
            self.permit(_difference(before, self))
        except BaseException:
            _restore(self, before)
            raise
        return result

    return change


def _restore(value: SealedList | SealedDict, before: Any) -> None:
    if isinstance(value, SealedList):
        list.__setitem__(value, slice(None), before)
    else:
        dict.clear(value)
        dict.update(value, before)


def _difference(before: Any, now: Any) -> list[Any]:
    if isinstance(now, dict):
        missing = object()
        return [key for key in {**before, **now} if before.get(key, missing) is not now.get(key, missing)]
    known = {id(value) for value in before}
    return [value for value in now if id(value) not in known]


for _cls in (SealedList, SealedDict):
    for _name in (*_CHANGES, *_MORE_CHANGES):
        if hasattr(_cls, _name):
            setattr(_cls, _name, _asking(_cls, _name))


def seal(owner: object, attribute: str, permit: Callable[[Iterable[Any]], None]) -> None:
    """Have a list or dictionary that is an attribute of an object ask before it changes, and keep it in its place.

    Args:
        owner: the object.
        attribute: the name of the attribute; an object without it is left alone.
        permit: given what a change adds; raises `StartupError` to have it undone.
    """
    value = vars(owner).get(attribute)
    if value is None:
        return
    sealed: SealedDict | SealedList = SealedDict(value) if isinstance(value, dict) else SealedList(value)
    sealed.owner, sealed.permit = owner, permit
    owner.__class__ = _sealed_class(class_of(owner))
    vars(owner)[attribute] = sealed


def unseal(owner: object, attribute: str) -> None:
    """Let the attribute be changed again."""
    value = vars(owner).get(attribute)
    if isinstance(value, SealedList | SealedDict):
        vars(owner)[attribute] = value.copy()


def class_of(value: object) -> type:
    """Return the class that an object had before an attribute of it was sealed."""
    return _ORIGINALS.get(type(value), type(value))


@functools.cache
def _sealed_class(cls: type[Any]) -> type[Any]:
    """Return a class that is the same but for refusing another value for a sealed attribute."""
    parent: Any = cls

    def __setattr__(self: Any, name: str, value: object) -> None:  # noqa: N807
        # A copy of the object has an attribute that belongs to another one, and may have its own instead.
        present = vars(self).get(name)
        if isinstance(present, SealedList | SealedDict) and present.owner is self:
            raise StartupError(f"'{name}' of {cls.__name__} is sealed since the application was proved")
        parent.__setattr__(self, name, value)

    sealed = type(cls.__name__, (cls,), {"__setattr__": __setattr__})
    _ORIGINALS[sealed] = cls
    return sealed
