"""The routes of auth."""

from parley_auth.endpoints.accounts import router as accounts
from parley_auth.endpoints.keys import router as keys
from parley_auth.endpoints.sessions import router as sessions
from parley_auth.endpoints.users import router as users

ROUTERS = [sessions, accounts, users, keys]
