"""The routes of auth."""

from parley_auth.accounts.endpoints import router as users
from parley_auth.accounts.registration import router as accounts
from parley_auth.sessions.endpoints import router as sessions
from parley_auth.tokens.endpoints import router as keys

ROUTERS = [sessions, accounts, users, keys]
