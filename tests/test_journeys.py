"""The journeys of the README on the whole application."""

import httpx
from fastapi import FastAPI
from life import an_interviews_life


async def test_an_interviews_life(app: FastAPI, client: httpx.AsyncClient) -> None:
    """An administrator adds people, the interviewer starts and completes, both talk; a stranger sees nothing."""
    await an_interviews_life(app, client)
