"""A package's public names, imported when they are asked for: who lists commands needs neither FastAPI nor PyMongo."""

import importlib
from collections.abc import Callable, Mapping, Sequence


def lazily(package: str, homes: Mapping[str, Sequence[str]]) -> Callable[[str], object]:
    """Return a `__getattr__` for a package's `__init__` (PEP 562).

    Args:
        package: the name of the package.
        homes: the public names by the module, below the package, that they come from.
    """
    modules = {name: f"{package}.{module}" for module, names in homes.items() for name in names}

    def get(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        found: object = getattr(importlib.import_module(modules[name]), name)
        return found

    return get
