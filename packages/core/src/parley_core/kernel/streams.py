"""The budget of streams that the settings and the descriptors of the process leave.

It stands alone: the rooms below know no settings, and the descriptors are read when the process begins to serve.
"""

from parley_core.clock import Clock
from parley_core.descriptors import descriptor_limit, streams_for
from parley_core.http.stream_budget import StreamBudget
from parley_core.kernel.settings import CoreSettings


def stream_budget_of(core: CoreSettings, clock: Clock) -> StreamBudget:
    """Return the budget of an application that begins to serve."""
    fits = streams_for(descriptor_limit(), pool_size=core.mongodb_pool_size)
    return StreamBudget(per_user=core.streams_per_user, per_worker=core.streams_per_worker or fits, clock=clock)
