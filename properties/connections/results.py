"""The results of all checks on the connections of one client."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_address

from wsoracle.model.octets.vocabulary import KEY_OCTETS

from ..judge.predictable_keys import predictable
from .checks import CHECK_BY_ID, CheckResult
from .foreseen_keys import MOST_KEYS, foreseen
from .nonces import nonce_of, nonces_seen
from .probe_results import results_on_probes
from .seen import SeenClient, SeenConnection


def results_on(client: SeenClient) -> list[CheckResult]:
    """The result of each check for which there is enough to see."""
    connections = client.connections
    nonces = [nonce for one in connections if (nonce := nonce_of(one.nonce)) is not None]
    probes = results_on_probes(client.asked, client.arrivals)
    return [*nonces_seen(nonces), *_on_keys(connections), *probes, *_on_tls(connections)]


def _on_tls(connections: Iterable[SeenConnection]) -> list[CheckResult]:
    secure = [one for one in connections if one.secure or one.beside_tls]
    if not secure:
        return []
    beside = [one for one in secure if one.beside_tls]
    check, total = CHECK_BY_ID["tls/handshake-first"], len(secure)
    what = f"{len(beside)} of {total} connections have octets that are no TLS before the TLS handshake was complete"
    example = ascii(beside[0].beside_tls[:64])[2:-1] if beside else ""
    found = [CheckResult(check, len(beside), total, what, example)]
    named = [one for one in secure if one.secure and _is_name(one.host)]
    if named:
        # Literal addresses are no names (RFC 6066, section 3): a client at one has none to send.
        without = [one for one in named if one.server_name is None]
        what = f"{len(without)} of {len(named)} connections to a host with a name do not name it in the TLS handshake"
        example = without[0].host if without else ""
        found.append(CheckResult(CHECK_BY_ID["tls/server-name"], len(without), len(named), what, example))
    return found


def _is_name(host: str) -> bool:
    """Whether a Host field has a name, and no address."""
    name = host.strip().rpartition(":")[0] if ":" in host else host.strip()
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return bool(name) and "]" not in host
    return False


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
