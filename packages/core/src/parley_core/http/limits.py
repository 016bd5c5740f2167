"""The budgets of one request, which the settings of core fill."""

from typing import Protocol


class RequestLimits(Protocol):
    """What one request may ask of the process."""

    @property
    def body_bytes(self) -> int:
        """Bytes of a body at most."""

    @property
    def small_body_bytes(self) -> int:
        """Bytes of a body at most, on the routes of a `Router(small_bodies=True)`."""

    @property
    def body_seconds(self) -> float:
        """Seconds in which a body must have arrived."""

    @property
    def body_values(self) -> int:
        """Values in a JSON body at most: each member of an object and each item of a list counts."""

    @property
    def errors_per_answer(self) -> int:
        """Entries of a problem's `errors` at most."""
