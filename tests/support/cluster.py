"""A MongoDB and `parley serve` workers on it, each of which can be killed and comes back."""

import asyncio
import os
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from parley_app.testing import Serving, Start
from parley_auth.testing import auth_settings
from parley_core.embedded import EmbeddedMongoDB
from parley_core.kernel.settings import CoreSettings

WORKERS = 3
DATABASE = "crash"
TOKEN_MINUTES = 60


class Workers:
    """Workers of `parley serve` on one database, once they are started.

    Args:
        start: starts the workers, and ends them.
        uri: where MongoDB is.
        settings: of every worker, more than the database and the secret.
    """

    def __init__(self, start: Start, uri: str, **settings: str) -> None:
        self._start = start
        self._settings = settings
        self.uri = uri
        self.workers: list[Serving] = []
        self._ports: list[int] = []

    def start(self, count: int) -> None:
        """Start so many workers and wait until they are ready."""
        self.workers = [self.started(**self._settings) for _ in range(count)]
        self.wait_until_ready()
        self._ports = [worker.port for worker in self.workers]

    def wait_until_ready(self) -> None:
        """Return when all workers are ready."""
        for worker in self.workers:
            worker.wait_until_ready()

    def core_settings(self) -> CoreSettings:
        """Return the settings of an application on the same database."""
        return CoreSettings(mongodb_uri=self.uri, mongodb_database=DATABASE)  # type: ignore[arg-type]

    def started(self, port: str = "0", **settings: str) -> Serving:
        """Start a worker, with settings of its own, and return at once."""
        secret = auth_settings().jwt_secret
        assert secret
        return self._start.unready(
            "--port",
            port,
            PARLEY_MONGODB_URI=self.uri,
            PARLEY_MONGODB_DATABASE=DATABASE,
            PARLEY_JWT_SECRET=secret.get_secret_value(),
            PARLEY_ACCESS_TOKEN_MINUTES=str(TOKEN_MINUTES),
            **settings,
        )

    @property
    def urls(self) -> list[str]:
        """The addresses of the workers, whether they live or not."""
        return [f"http://127.0.0.1:{port}" for port in self._ports]

    def any_url(self) -> str:
        """The address of some worker."""
        return random.choice(self.urls)  # noqa: S311 - no secret depends on it

    async def kill_worker(self) -> None:
        """Ends a worker that lives where it stands."""
        living = [worker for worker in self.workers if worker.process.poll() is None]
        victim = random.choice(living or self.workers)  # noqa: S311 - no secret depends on it
        victim.process.kill()
        await asyncio.to_thread(victim.process.wait)

    def revive(self) -> None:
        """Starts the workers that have ended, by a kill or because MongoDB was away when they started."""
        for number, worker in enumerate(self.workers):
            if worker.process.poll() is not None:
                self.workers[number] = self.started(str(self._ports[number]), **self._settings)

    async def keep(self) -> None:
        """Revives until it is cancelled."""
        while True:
            await asyncio.sleep(0.5)
            self.revive()

    def end(self) -> None:
        """Ends the workers."""
        self._start.end_all()


class Cluster(Workers):
    """A MongoDB, and workers on it.

    Args:
        folder: where data and output are written.
        settings: of every worker, more than the database and the secret.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        self._folder = folder / "data"
        self.mongodb = EmbeddedMongoDB.start(self._folder)
        super().__init__(Start(folder), self.mongodb.uri, **settings)

    async def kill_mongod(self) -> None:
        """Ends MongoDB where it stands, and starts it again on the same data and the same socket."""
        self.signal_mongod(signal.SIGKILL)
        await asyncio.to_thread(self.mongodb.stop)
        self.mongodb = await asyncio.to_thread(EmbeddedMongoDB.start, self._folder)

    def signal_mongod(self, number: int) -> None:
        """Send it a signal: SIGSTOP freezes it, SIGCONT lets it go on."""
        os.kill(self.mongodb.pid, number)

    def end(self) -> None:
        """Ends the workers, then MongoDB."""
        super().end()
        self.mongodb.stop()


@contextmanager
def running_workers(folder: Path, uri: str, *, workers: int = WORKERS, **settings: str) -> Iterator[Workers]:
    """Run workers on a database; arguments as for `Workers`."""
    running = Workers(Start(folder), uri, **settings)
    try:
        running.start(workers)
        yield running
    finally:
        running.end()


@contextmanager
def running_cluster(folder: Path, *, workers: int = WORKERS, **settings: str) -> Iterator[Cluster]:
    """Run a cluster; arguments as for `Cluster`."""
    cluster = Cluster(folder, **settings)
    try:
        cluster.start(workers)
        yield cluster
    finally:
        cluster.end()
