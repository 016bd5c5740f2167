"""Lines with an event and fields, for people and for programs."""

import logging

import pytest

from parley_core.log_lines import LogLine, announcer

LINES = {
    "named": (LogLine("opened", "door {door} is open", door=7), "door 7 is open", "door 7 is open"),
    "unnamed": (LogLine("opened", "a door is open", door=7), "a door is open", "a door is open door=7"),
    "no_text": (LogLine("opened", door=7, by=None), "opened", "opened door=7"),
    "none": (LogLine("opened", "by {by}", by=None), "by None", "by None"),
    "braces": (LogLine("opened", "{said}", said="{door} %s"), "{door} %s", "{door} %s"),
}


@pytest.mark.parametrize("name", LINES)
def test_texts(name: str) -> None:
    """A message has the fields that it names; any configuration of logging shows the others behind it."""
    line, message, shown = LINES[name]
    assert (line.message, str(line)) == (message, shown)


def test_announcer(caplog: pytest.LogCaptureFixture) -> None:
    """A sentence is a field, whatever stands in it."""
    announcer(logging.getLogger("parley.tests"), logging.WARNING, "tested")("100%s {sure}")
    [record] = caplog.records
    assert isinstance(record.msg, LogLine)
    assert (record.levelname, record.msg.event, record.getMessage()) == ("WARNING", "tested", "100%s {sure}")
