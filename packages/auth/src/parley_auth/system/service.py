"""What administrators are shown of the system."""

from collections.abc import Iterable

from fastapi import FastAPI

from parley_auth.authorization.policy_page import policy_of
from parley_auth.authorization.registry import PublicRoutes
from parley_auth.settings import AuthSettings
from parley_auth.system import schemas
from parley_auth.system.plugins import PYTHON, packages_of, plugins_of
from parley_auth.system.repository import SystemRepository
from parley_auth.system.shortcomings import Situation, shortcomings
from parley_core.kernel.plugins import Plugins
from parley_core.kernel.settings import CoreSettings


class SystemService:
    """Describes the application that it belongs to.

    Args:
        repository: asks MongoDB.
        plugins: the plugins of the application.
        core: the settings of core.
        auth: the settings of auth.
        unknown: variables that look like settings and are none, each with what to do.
    """

    def __init__(
        self,
        *,
        repository: SystemRepository,
        plugins: Plugins,
        core: CoreSettings,
        auth: AuthSettings,
        unknown: Iterable[tuple[str, str]],
    ) -> None:
        self._repository, self._plugins = repository, plugins
        self._core, self._auth, self._unknown = core, auth, unknown

    async def describe(self, app: FastAPI, *, host: str, scheme: str) -> schemas.System:
        """Return what runs here.

        Args:
            app: the application.
            host: what the caller sent as `Host`.
            scheme: of the caller's address.
        """
        plugins, public = self._plugins.info(), app.state.parley.require(PublicRoutes)
        return schemas.System(
            name=app.title,
            version=app.version,
            python=PYTHON,
            mongodb=await self._repository.version(),
            packages=packages_of(plugins),
            plugins=plugins_of(app, plugins, public),
            warnings=self._warnings(host, scheme),
        )

    def policy(self, app: FastAPI) -> schemas.Policy:
        """Return the rules of all packages."""
        return schemas.Policy(items=[schemas.SystemRule(**rule) for rule in policy_of(app)["rules"]])

    def _warnings(self, host: str, scheme: str) -> list[schemas.SystemWarning]:
        situation = Situation(
            public_url=self._core.public_url,
            scheme=scheme,
            host=host,
            registration_open=self._auth.auth_registration == "open",
            docs=self._core.docs,
            embedded=not self._core.mongodb_uri,
            unknown=self._unknown,
        )
        return [schemas.SystemWarning(code=one.code, message=one.message) for one in shortcomings(situation)]
