"""Windows of a dense log, against plain lists."""

from hypothesis import given
from hypothesis import strategies as st

from parley_messaging.models import Window

small, ends = st.integers(0, 30), st.integers(-1, 30)


@given(
    after=small, last=st.integers(-1, 30), limit=st.integers(1, 10), offset=small, direction=st.sampled_from([1, -1])
)
def test_page_is_a_slice(*, after: int, last: int, limit: int, offset: int, direction: int) -> None:
    """A page is the slice that limit and offset cut out of the window's places, read in the given direction."""
    window = Window(after, last)
    places = list(range(after + 1, last + 1))
    assert window.size == len(places)
    page = window.page(direction, limit=limit, offset=offset)
    expected = sorted(places[::direction][offset : offset + limit])
    assert page.size == len(expected)
    if expected:
        assert (page.after + 1, page.last) == (expected[0], expected[-1])
