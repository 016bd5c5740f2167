"""The routers of all rooms; a module of its own, so that the plugin stays a list of names."""

from parley_interviews.attendance.endpoints import router as attendance
from parley_interviews.availability.endpoints import conflicts, schedule
from parley_interviews.history.endpoints import router as history
from parley_interviews.interviews.endpoints import router as interviews
from parley_interviews.listing.endpoints import router as listing
from parley_interviews.participants.endpoints import router as participants

ROUTERS = [listing, interviews, history, participants, conflicts, schedule, attendance]
