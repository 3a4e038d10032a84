"""Whether the nonces of one client's connections were "selected randomly for each connection" (section 4.1).

A nonce has 128 random bits. That two of n are equal has a chance of at most n^2/2^129. That two of n lie within 2^32
of each other, read in one of two orders of octets, has one of at most n^2/2^95: with no more than :data:`MOST_NEAR`
nonces that is less than 2^-70. A counter, a time and a few random octets behind fixed ones are all found by it.
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, Literal

from wsoracle.model.octets.accept_key import NONCE_OCTETS

from .checks import CHECK_BY_ID, CheckResult

MOST_NEAR: Final = 4096
NEAR: Final = 1 << 32


def nonce_of(field: str) -> bytes | None:
    """The nonce in a Sec-WebSocket-Key field; None where that holds none, which the rules of one trace judge."""
    try:
        nonce = base64.b64decode(field.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    return nonce if len(nonce) == NONCE_OCTETS else None


def nonces_seen(nonces: Sequence[bytes]) -> list[CheckResult]:
    """The results on nonces of 16 octets, one for each connection of a client; nothing where there are not two."""
    if len(nonces) < 2:
        return []
    return [_repeated(nonces), _near(list(dict.fromkeys(nonces))[:MOST_NEAR])]


def _repeated(nonces: Sequence[bytes]) -> CheckResult:
    check, total = CHECK_BY_ID["nonce/repeated"], len(nonces)
    times = Counter(nonces)
    again = total - len(times)
    if not again:
        return CheckResult(check, 0, total, f"the nonces of {total} connections differ")
    nonce, most = times.most_common(1)[0]
    what = f"{again} of {total} connections have a nonce that an earlier one had"
    return CheckResult(check, again, total, what, f"{base64.b64encode(nonce).decode()} in {most} connections")


def _near(nonces: Sequence[bytes]) -> CheckResult:
    check, total = CHECK_BY_ID["nonce/near"], len(nonces)
    orders: tuple[Literal["big", "little"], ...] = ("big", "little")
    found = max((_neighbours(nonces, order) for order in orders), key=len)
    if not found:
        return CheckResult(check, 0, total, f"no two of {total} different nonces lie close to one another")
    what = f"{len(found)} of {total} different nonces lie within 2^32 of the next smaller one, as those of a counter do"
    return CheckResult(check, len(found), total, what, " and ".join(nonce.hex() for nonce in found[0]))


def _neighbours(nonces: Iterable[bytes], order: Literal["big", "little"]) -> list[tuple[bytes, bytes]]:
    ordered = sorted(nonces, key=lambda nonce: int.from_bytes(nonce, order))
    return [(a, b) for a, b in pairwise(ordered) if int.from_bytes(b, order) - int.from_bytes(a, order) < NEAR]
