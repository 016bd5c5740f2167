"""The month: two weeks that are over, this week and the next. The same day always gives the same one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from parley_app.demo.people import CANDIDATES, INTERVIEWERS, Person

_OFFICE = "Europe/Berlin"
_ZONES = (_OFFICE, _OFFICE, "Europe/London", _OFFICE, "America/New_York")
_MORNING, _AFTERNOON = (9, 10, 11), (13, 14, 15, 16)
_WEEKS, _DAYS = 4, 5


@dataclass(frozen=True)
class Stage:
    """One of the interviews that every candidate has, in this order."""

    kind: str
    words: str
    minutes: int
    interviewers: int
    location: str
    notes: str
    messages: Sequence[str]


_STAGES = (
    Stage(
        *("screening", "first call", 30, 1, "Video call", "Motivation, notice period, languages."),
        (
            "Hello {candidate}, I look forward to our call. Is there anything that you want to know before?",
            "Hello {interviewer}! How large is the team that I would join?",
            "Six people, and you will meet two of them in the next round.",
        ),
    ),
    Stage(
        *("technical", "technical interview", 90, 2, "Room Lovelace", "Begin with the work sample."),
        (
            "We begin with your work sample, then there is time for your questions.",
            "Great. Shall I bring my own laptop?",
            "If you like. There is a machine in the room, too.",
        ),
    ),
    Stage(
        *("case-study", "case study", 60, 2, "Room Turing", "Look for how they find out what is really needed."),
        (
            "The case is attached to the invitation. Half an hour of preparation is enough.",
            "I have read it, thank you.",
        ),
    ),
    Stage(
        *("team", "meeting the team", 45, 2, "Room Hopper", "No questions that were asked before."),
        ("Lunch is at half past twelve, you are welcome to join us.", "With pleasure! I eat no meat."),
    ),
    Stage(
        *("final", "final conversation", 30, 1, "Room Curie", "Salary and starting date."),
        ("We have good news, and would like to tell you in person.", "I am very curious. See you then!"),
    ),
    Stage(
        *("offer", "offer", 30, 1, "Video call", "The contract is prepared."),
        ("The contract is ready. Shall we go through it together?", "Yes, please."),
    ),
)


@dataclass(frozen=True)
class DemoInterview:
    """An interview of the demo.

    Args:
        stage: what it is about.
        starts_at: when it is.
        time_zone: where the candidate is.
        interviewers: who asks.
        candidate: who is asked.
        status: how it stands.
        moved_from: when it was before it was moved; None for one that wasn't.
        messages: what they write, the interviewer first and then in turns.
    """

    stage: Stage
    starts_at: datetime
    time_zone: str
    interviewers: Sequence[Person]
    candidate: Person
    status: str
    moved_from: datetime | None = None
    messages: Sequence[tuple[Person, str]] = field(default=())

    @property
    def people(self) -> Sequence[Person]:
        """Everybody who takes part, the candidate last."""
        return *self.interviewers, self.candidate

    @property
    def title(self) -> str:
        """Its title, without the candidate's name."""
        return f"{self.candidate.job}, {self.stage.words}"


def month_around(now: datetime) -> Iterator[DemoInterview]:
    """Yield the interviews in the order of their time, and one that is going on right now at the end."""
    monday = now.date() - timedelta(days=now.weekday(), weeks=2)
    days = [monday + timedelta(weeks=week, days=day) for week in range(_WEEKS) for day in range(_DAYS)]
    for number in range(2 * len(days)):
        yield _interview(number, _start_of(number, days[number // 2]), now)
    yield _interview(1, now - timedelta(minutes=20), now)


def _start_of(number: int, day: date) -> datetime:
    """Return when it starts: one in the morning and one in the afternoon, unless both overlap."""
    nth, is_second = divmod(number, 2)
    is_early = not is_second or _overlaps(number)
    hour = _MORNING[nth % len(_MORNING)] if is_early else _AFTERNOON[nth % len(_AFTERNOON)]
    minute = 15 if _overlaps(number) else 0
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(_OFFICE))


def _overlaps(number: int) -> bool:
    """Return whether somebody is asked to be in two interviews at once: in the second one of every sixth day."""
    return number % 12 == 11  # noqa: PLR2004 - six days


def _interview(number: int, starts_at: datetime, now: datetime) -> DemoInterview:
    stage = _STAGES[number // len(CANDIDATES) % len(_STAGES)]
    first = number - 1 if _overlaps(number) else number
    asking = [INTERVIEWERS[(first + more) % len(INTERVIEWERS)] for more in range(stage.interviewers)]
    candidate = CANDIDATES[number % len(CANDIDATES)]
    is_moved = number % 8 == 5  # noqa: PLR2004 - every eighth
    return DemoInterview(
        stage=stage,
        starts_at=starts_at,
        time_zone=_ZONES[number % len(_ZONES)],
        interviewers=asking,
        candidate=candidate,
        status=_status_of(number, starts_at, starts_at + timedelta(minutes=stage.minutes), now),
        moved_from=starts_at - timedelta(days=1) if is_moved else None,
        messages=tuple(_conversation(stage, asking[0], candidate)) if candidate.has_joined else (),
    )


def _status_of(number: int, starts_at: datetime, ends_at: datetime, now: datetime) -> str:
    if starts_at <= now < ends_at:
        return "ongoing"
    if number % 9 == 4:  # noqa: PLR2004 - every ninth
        return "cancelled"
    return "completed" if ends_at <= now else "scheduled"


def _conversation(stage: Stage, interviewer: Person, candidate: Person) -> Iterator[tuple[Person, str]]:
    names = {"candidate": candidate.first_name, "interviewer": interviewer.first_name}
    for turn, text in enumerate(stage.messages):
        yield (interviewer, candidate)[turn % 2], text.format_map(names)
