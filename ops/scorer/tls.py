"""Certificate and key, tried before the service starts."""

import ssl
from pathlib import Path

from schemas.errors import ConfigurationError

__all__ = ["check_tls"]


def check_tls(cert: Path | None, key: Path | None) -> None:
    """See that a server can be started with these; without a certificate there is nothing to see.

    Raises:
        ConfigurationError: A file is missing or no PEM file, or the key is not that of the certificate.
    """
    if cert is None or key is None:
        return
    for setting, file in (("scorer.tls_cert", cert), ("scorer.tls_key", key)):
        try:
            file.read_bytes()
        except OSError as error:
            raise ConfigurationError(f"{setting} is {str(file)!r}, which cannot be read ({error.strerror})") from error
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # A server has nobody to ask for a passphrase: an empty one fails at once.
        context.load_cert_chain(cert, key, password="")
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None)
        why = (
            "the key does not belong to the certificate"
            if reason == "KEY_VALUES_MISMATCH"
            else f"no certificate chain and unencrypted private key in PEM form ({reason or error})"
        )
        raise ConfigurationError(f"scorer.tls_cert {str(cert)!r} with scorer.tls_key {str(key)!r}: {why}") from error
