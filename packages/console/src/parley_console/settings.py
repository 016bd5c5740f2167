"""The settings of the console."""

from pydantic import Field

from parley_core import Settings


class ConsoleSettings(Settings):
    """Whether there is a console."""

    console: bool = Field(default=True, description="Serve the console, a page in the browser, at /console/.")
