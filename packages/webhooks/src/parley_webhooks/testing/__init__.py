"""Names for tests; needs `parley-webhooks[testing]`."""

from parley_webhooks.testing.names import Names

__all__ = ["Names"]
