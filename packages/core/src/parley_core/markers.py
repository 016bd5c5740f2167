"""pluggy's markers for Parley's hooks: `hookimpl` for plugins, `hookspec` for those who add hooks."""

import pluggy

PROJECT = "parley"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
