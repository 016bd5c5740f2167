"""Fixtures of the tests of http: one database serves them one after the other, each an empty one."""

import pytest

from parley_core.kernel.settings import CoreSettings


@pytest.fixture
def core_settings(reused_settings: CoreSettings) -> CoreSettings:
    return reused_settings
