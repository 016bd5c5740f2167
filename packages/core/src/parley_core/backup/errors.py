"""What is wrong with a file that is to be restored; alone here, since a command catches it without importing more."""

from parley_core.errors import StartupError


class UnusableBackup(StartupError):
    """The file is no whole backup, or one that this release can't read; nothing was written."""
