"""What the requests that came for probes show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from typing import Final

from .checks import CHECK_BY_ID, CheckResult
from .probes import URI_PROBES, ProbeArrival

AT_ONCE_SECONDS: Final = 0.05
"""A client that tries again within this time has not waited."""

ATTEMPTS: Final = 8
"""Attempts in a row that did not wait, or waited equally long, before that is told. A client is free in the random
interval from which it draws (section 7.2.3), and one attempt may well come at once."""

_EQUAL: Final = 0.05
_JITTER: Final = 0.01
"""Delays that differ by no more than that part and these seconds are equal."""


def results_on_probes(asked: Iterable[str], arrivals: Sequence[ProbeArrival]) -> list[CheckResult]:
    """The results on probes that a client was asked for, in the order of the checks; arrivals in their order."""
    came: dict[str, list[ProbeArrival]] = defaultdict(list)
    for arrival in arrivals:
        came[arrival.probe].append(arrival)
    wanted = {*asked, *came}
    found = []
    if "at-once" in wanted:
        found.append(_at_once(came["at-once"]))
    if "reconnect" in wanted and came["reconnect"]:
        found.append(_backoff(came["reconnect"]))
    for check in dict.fromkeys(probe.check for probe in URI_PROBES):
        probes = [probe for probe in URI_PROBES if probe.check == check and probe.name in wanted]
        if probes:
            faults = [(one, probe.fault(one)) for probe in probes for one in came[probe.name]]
            found.append(_on_uris(check, faults))
    if "untrusted" in wanted:
        found.append(_untrusted(came["untrusted"]))
    return found


def _at_once(arrivals: Sequence[ProbeArrival]) -> CheckResult:
    check = CHECK_BY_ID["opening/one-at-a-time"]
    early = [one for one in arrivals if one.connecting]
    if not early:
        words = f"{len(arrivals)} requests came, none of them while another waited for its answer"
        return CheckResult(check, 0, len(arrivals), words)
    words = f"{len(early)} of {len(arrivals)} requests came while another to the same host waited for its answer"
    return CheckResult(check, len(early), len(arrivals), words, early[0].target)


def _backoff(arrivals: Sequence[ProbeArrival]) -> CheckResult:
    check = CHECK_BY_ID["opening/backoff"]
    delays = [later.began - earlier.ended for earlier, later in pairwise(arrivals) if earlier.ended]
    shown = ", ".join(f"{delay:.3f} s" for delay in delays[:ATTEMPTS])
    if not delays:
        return CheckResult(check, 0, 0, "it did not try again after an abnormal closure")
    runs = groupby(delays, lambda delay: delay <= AT_ONCE_SECONDS)
    hasty = max(len(list(some)) if at_once else 0 for at_once, some in runs)
    if hasty >= ATTEMPTS:
        words = f"{hasty} attempts in a row came at once after an abnormal closure or a failed attempt"
        return CheckResult(check, hasty, len(delays), words, shown)
    after_failures = delays[1:]
    if len(after_failures) >= ATTEMPTS and _equal(after_failures):
        words = f"the delays of {len(after_failures)} attempts in a row do not become longer, though each one failed"
        return CheckResult(check, len(after_failures), len(delays), words, shown)
    return CheckResult(check, 0, len(delays), f"it tried again {len(delays)} times", shown)


def _equal(delays: Sequence[float]) -> bool:
    return max(delays) - min(delays) <= _JITTER + _EQUAL * min(delays)


def _on_uris(check_id: str, faults: Sequence[tuple[ProbeArrival, str | None]]) -> CheckResult:
    check = CHECK_BY_ID[check_id]
    wrong = [(arrival, words) for arrival, words in faults if words is not None]
    if not wrong:
        words = f"{len(faults)} requests came as they should" if faults else "no request came: it refused the URI"
        return CheckResult(check, 0, len(faults), words)
    arrival, why = wrong[0]
    example = arrival.host if check_id == "uri/host" else arrival.target
    return CheckResult(check, len(wrong), len(faults), why, ascii(example)[1:-1])


def _untrusted(arrivals: Sequence[ProbeArrival]) -> CheckResult:
    check = CHECK_BY_ID["tls/untrusted"]
    if not arrivals:
        return CheckResult(check, 0, 0, "no request came from behind the certificate that cannot be verified")
    words = "a request came over TLS with a certificate that cannot be verified"
    return CheckResult(check, len(arrivals), len(arrivals), words, arrivals[0].target)
