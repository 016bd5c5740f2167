"""The routes of auth."""

from parley_auth.endpoints.accounts import router as accounts
from parley_auth.endpoints.users import router as users

ROUTERS = [accounts, users]
