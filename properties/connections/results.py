"""The results of all checks on the connections of one client."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wsoracle.model.octets.vocabulary import KEY_OCTETS

from ..judge.predictable_keys import predictable
from .checks import CHECK_BY_ID, CheckResult
from .foreseen_keys import MOST_KEYS, foreseen
from .nonces import nonce_of, nonces_seen
from .seen import SeenConnection


def results_on(connections: Sequence[SeenConnection]) -> list[CheckResult]:
    """The result of each check for which there is enough to see, on the connections of one client in their order."""
    nonces = [nonce for one in connections if (nonce := nonce_of(one.nonce)) is not None]
    return [*nonces_seen(nonces), *_on_keys(connections)]


def _on_keys(connections: Iterable[SeenConnection]) -> list[CheckResult]:
    octets = b"".join(one.keys for one in connections)[: MOST_KEYS * KEY_OCTETS]
    keys = [octets[at : at + KEY_OCTETS] for at in range(0, len(octets), KEY_OCTETS)]
    if len(keys) < 2:
        return []
    return [_fresh(keys), _foreseen(keys)]


def _fresh(keys: Sequence[bytes]) -> CheckResult:
    check, reason = CHECK_BY_ID["keys/fresh"], predictable(keys)
    if reason is None:
        return CheckResult(check, 0, len(keys), f"{len(keys)} masking keys show no pattern")
    what = f"{reason}, among {len(keys)} in all"
    repeated = len(keys) - len(set(keys))
    return CheckResult(check, repeated or len(keys), len(keys), what, " ".join(key.hex() for key in keys[:4]))


def _foreseen(keys: Sequence[bytes]) -> CheckResult:
    check, law = CHECK_BY_ID["keys/foreseen"], foreseen(keys)
    if law is None:
        return CheckResult(check, 0, len(keys), f"none of {len(keys)} masking keys follows from those before it")
    what = f"{law.hits} of {law.of} masking keys can be foreseen: {law.law}"
    return CheckResult(check, law.hits, law.of, what, law.example)
