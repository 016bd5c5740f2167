"""The version of the application, apart from it: `parley --version` builds none."""

import importlib.metadata

VERSION = importlib.metadata.version("parley-app")
