"""Whether a history of overlapping operations fits one order of them: Wing and Gong's search with a memo.

An operation takes effect at one instant between the request and its answer. It may look at the object before that
once, as a guard does: `looks` gives what it can have seen, `effect` what it does with that.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

S = TypeVar("S", bound=Hashable)
Look = Hashable
_Seen = frozenset[tuple[int, Look]]
_Place = tuple[int, S, _Seen]


@dataclass(frozen=True, eq=False)
class Operation(Generic[S]):
    """One operation, as it was observed.

    Args:
        start: when the request was sent.
        end: when the answer was there.
        looks: what it can have seen in a state before its effect.
        effect: the state after it, given the state before and what it has seen; None where its answer doesn't fit.
        text: what a report says of it.
        is_write: whether it can have changed the state.
    """

    start: float
    end: float
    looks: Callable[[S], Iterable[Look]]
    effect: Callable[[S, Look], S | None]
    text: str
    is_write: bool


@dataclass(frozen=True)
class Violation(Generic[S]):
    """The state that was reached with most operations, and those of which none fits then."""

    state: S
    pending: Sequence[Operation[S]]

    def __str__(self) -> str:
        lines = [f"  {one.start:.6f} to {one.end:.6f}: {one.text}" for one in self.pending]
        return "\n".join([f"none of these fits {self.state}:", *lines])


def violation_of(history: Iterable[Operation[S]], initial: S) -> Violation[S] | None:
    """Return why no order of the operations explains their answers; None where one does."""
    ordered = sorted(history, key=lambda one: one.start)
    everything = (1 << len(ordered)) - 1
    places: list[_Place[S]] = [_settled(ordered, (0, initial, frozenset()))]
    known = set(places)
    furthest = places[0]
    while places:
        place = places.pop()
        if place[0] == everything:
            return None
        if place[0].bit_count() > furthest[0].bit_count():
            furthest = place
        following = {_settled(ordered, one) for one in _next(ordered, place)} - known
        known |= following
        places.extend(following)
    return Violation(furthest[1], [ordered[number] for number in _possible(ordered, furthest[0])])


def smallest(history: Sequence[Operation[S]], initial: S) -> Sequence[Operation[S]]:
    """Return the writes of a history that violates, with those reads of which none can be left out."""
    part = list(history)
    for one in history:
        if one.is_write:
            continue
        without = [other for other in part if other is not one]
        if violation_of(without, initial):
            part = without
    return part


def _possible(ordered: Sequence[Operation[S]], done: int) -> list[int]:
    """Return the operations that can be next: none that isn't done has ended before they began."""
    found, first_end = [], float("inf")
    first = (~done & (done + 1)).bit_length() - 1
    for number in range(first, len(ordered)):
        if ordered[number].start > first_end:
            break
        if not done >> number & 1:
            first_end = min(first_end, ordered[number].end)
            found.append(number)
    return [number for number in found if ordered[number].start <= first_end]


def _settled(ordered: Sequence[Operation[S]], place: _Place[S]) -> _Place[S]:
    """Return the place after all that fits now and changes nothing: nothing is gained by putting it later."""
    done, state, seen = place
    while True:
        possible = _possible(ordered, done)
        seen |= {(number, look) for number in possible for look in ordered[number].looks(state)}
        fitting = [number for number, look in seen if ordered[number].effect(state, look) == state]
        if not fitting:
            return done, state, seen
        for number in fitting:
            done |= 1 << number
        seen = frozenset((number, look) for number, look in seen if not done >> number & 1)


def _next(ordered: Sequence[Operation[S]], place: _Place[S]) -> Iterable[_Place[S]]:
    done, state, seen = place
    for number, look in seen:
        after = ordered[number].effect(state, look)
        if after is not None:
            rest = frozenset(one for one in seen if one[0] != number)
            yield done | 1 << number, after, rest
