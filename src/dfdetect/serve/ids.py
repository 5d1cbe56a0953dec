"""Random names: 128 bits, so that nobody finds another's scan by counting."""

from __future__ import annotations

import re
import secrets

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_LETTERS = 26  # 130 bits
_FORM = re.compile(rf"[a-z]{{2,4}}_[{_ALPHABET}]{{{_LETTERS}}}")


def new_id(kind: str) -> str:
    """`scn_...`, `bat_...`, `msg_...`, `key_...`."""
    return f"{kind}_" + "".join(secrets.choice(_ALPHABET) for _ in range(_LETTERS))


def is_id(text: str) -> bool:
    """Whether this could be one: what is not never reaches the store."""
    return _FORM.fullmatch(text) is not None
