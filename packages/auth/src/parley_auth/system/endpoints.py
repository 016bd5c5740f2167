"""The routes of the system."""

from fastapi import Request

from parley_auth.system import schemas
from parley_auth.system.dependencies import SystemRead, SystemServiceDep
from parley_core import Router

router = Router(prefix="/system", tag="system", description="What runs here, for administrators.")


@router.get("", summary="Describe the system")
async def read_system(_access: SystemRead, system: SystemServiceDep, request: Request) -> schemas.System:
    """Return the versions, the plugins with their hooks and routes, and what is badly set. It contains no secret."""
    return await system.describe(request.app, host=request.headers.get("host", ""), scheme=request.url.scheme)


@router.get("/policy", summary="Read the policy")
async def read_policy(_access: SystemRead, system: SystemServiceDep, request: Request) -> schemas.Policy:
    """Return who may do what: the rules of all packages, the same that guard every route."""
    return system.policy(request.app)
