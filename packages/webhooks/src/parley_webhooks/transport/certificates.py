"""Which certificates of receivers are valid: always verified, there is no way around it."""

import ssl
from pathlib import Path

import httpcore

from parley_core import StartupError


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return a context that trusts the system's authorities, certifi's, and those of the file.

    Raises:
        StartupError: the file can't be read or holds no certificate in PEM.
    """
    context = httpcore.default_ssl_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except OSError as error:
            raise StartupError(
                f"PARLEY_WEBHOOKS_CA_FILE: {ca_file} can't be used ({error.strerror or type(error).__name__}):"
                " name a readable file with certificates in PEM"
            ) from None
    return context
