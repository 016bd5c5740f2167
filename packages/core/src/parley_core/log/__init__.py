"""The log of all events: how entries get there, and who reads them."""
