import subprocess
import sys

import pytest

from parley_app.listening import listen
from parley_app.testing import eventually, lives
from parley_app.worker import Worker

_PARENT = """
import functools, multiprocessing, os, time
from concurrent.futures import ProcessPoolExecutor
from parley_app.worker import end_with_parent

spawn = multiprocessing.get_context("spawn")
pool = ProcessPoolExecutor(1, spawn, initializer=functools.partial(end_with_parent, by_kernel={by_kernel}))
print(pool.submit(os.getpid).result(), flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks for the process in /proc")
@pytest.mark.parametrize("by_kernel", [True, False], ids=["kernel", "thread"])
def test_a_worker_does_not_outlive_its_parent(*, by_kernel: bool) -> None:
    command = [sys.executable, "-c", _PARENT.format(by_kernel=by_kernel)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        assert lives(child)
        parent.kill()
    eventually(lambda: not lives(child), 5)


def test_only_a_child_process_can_be_a_worker() -> None:
    with listen("127.0.0.1", 0) as listener, pytest.raises(RuntimeError, match="parley serve"):
        Worker(listener).run()
