"""How connections are secured: TLS 1.3 or 1.2 with certificates.

A certificate that nobody but its owner signed is as good where the other side has it: it names the
file as the only authority. Keys that both know (RFC 4279) would need Python 3.13.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from edgebottle.errors import BadInput
from edgebottle.files import read_file, reason

_MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class Security:
    """What one side shows and believes; nothing at all is clear text.

    Attributes:
        certificate: Shown to the other side, PEM; the server needs one.
        key: Of that certificate, PEM; None where the certificate's file has it too.
        authority: Certificates of those who are believed, PEM. A server that has one refuses
            clients without a certificate; a client without one believes what this computer does.
    """

    certificate: Path | None = None
    key: Path | None = None
    authority: Path | None = None

    @property
    def is_none(self) -> bool:
        """Nothing is secured."""
        return self == Security()

    def server_context(self) -> ssl.SSLContext:
        """Of a server; raises ``BadInput`` for a file that is missing or broken."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate is None:
            raise BadInput("a server shows a certificate: give one with --certificate FILE")
        _load_certificate(context, self.certificate, self.key)
        if self.authority is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            _load_authority(context, self.authority)
        return context

    def client_context(self) -> ssl.SSLContext:
        """Of a client; raises ``BadInput`` for a file that is missing or broken."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.authority is not None:
            _load_authority(context, self.authority)
        else:
            context.load_default_certs()
        if self.certificate is not None:
            _load_certificate(context, self.certificate, self.key)
        return context


def _load_certificate(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    for path in filter(None, (certificate, key)):
        read_file(path, _MAX_BYTES)
    try:
        # An empty password: a key that has one must not ask for it on the terminal.
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        where = f"{certificate} and {key}" if key else str(certificate)
        raise BadInput(
            f"{where}: no certificate in PEM with its key, without a password ({_why(error)})"
        ) from error


def _load_authority(context: ssl.SSLContext, path: Path) -> None:
    read_file(path, _MAX_BYTES)
    try:
        context.load_verify_locations(path)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: no certificate in PEM ({_why(error)})") from error


def _why(error: Exception) -> str:
    return str(getattr(error, "reason", None) or reason(error)).lower().replace("_", " ")
