"""A page in the browser for people, on Parley's public API: static files and nothing else."""
