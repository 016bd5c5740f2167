"""The parts of the OpenAPI document that FastAPI doesn't know; `parley_core.http.openapi` puts them together."""
