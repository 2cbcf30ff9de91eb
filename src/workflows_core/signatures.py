"""Signatures of calls from outside: HMAC with SHA-256, written as GitHub and many others write them."""

from __future__ import annotations

import hmac
from typing import Final

_SCHEME: Final = "sha256="


def sign(secret: bytes, body: bytes) -> str:
    """Return the signature of a body, for the header of a call."""
    return _SCHEME + hmac.digest(secret, body, "sha256").hex()


def is_signed(secret: bytes, body: bytes, signature: str) -> bool:
    """Say whether a signature is that of the body; takes as long for a wrong one as for the right one.

    The scheme in front (`sha256=`) may be left out, and the case of the digits does not matter.
    """
    given = signature.strip().lower().removeprefix(_SCHEME)
    return hmac.compare_digest(sign(secret, body), _SCHEME + given) if given.isascii() else False
