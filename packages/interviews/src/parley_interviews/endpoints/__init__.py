"""The routes of interviews."""

from parley_interviews.endpoints.interviews import router as interviews
from parley_interviews.endpoints.participants import router as participants

ROUTERS = [interviews, participants]
