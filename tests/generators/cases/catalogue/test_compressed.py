"""Groups 12 and 13 have the ids, sizes and parameters of Autobahn, and every message waits for its echo."""

from __future__ import annotations

from itertools import groupby

from wsoracle.generators.cases.catalogue.compressed import DIFFERENT, compressed, with_echoes
from wsoracle.generators.cases.compression import Wish
from wsoracle.generators.cases.runnable import catalogue_cases, runnable_cases
from wsoracle.generators.cases.steps import SendFrame, Settle

ALL = {case.id: case for case in compressed()}


def test_the_ids_are_those_of_autobahn_and_come_behind_its_other_cases() -> None:
    assert list(ALL) == [
        f"{group}.{part}.{number}"
        for group, parts in ((12, 5), (13, 7))
        for part in range(1, parts + 1)
        for number in range(1, 19)
    ]
    behind = len(catalogue_cases())
    assert [case.id for case in runnable_cases()[behind : behind + len(ALL)]] == list(ALL)


def test_each_has_a_thousand_messages_in_volleys_and_needs_no_control() -> None:
    for case in ALL.values():
        messages = [step for step in case.steps if isinstance(step, SendFrame)]
        assert len(messages) == 1000 and isinstance(case.steps[-1], Settle) and case.control is None
        assert len({one.excerpt for one in messages}) == DIFFERENT == len({id(one) for one in messages})
        volleys = [
            list(same) for waits, same in groupby(case.steps, lambda step: isinstance(step, Settle)) if not waits
        ]
        longest = max(sum(step.size for step in volley if isinstance(step, SendFrame)) for volley in volleys)
        assert longest <= 1 << 20 and all(len(volley) <= 40 for volley in volleys)


def test_sizes_fragments_and_parameters() -> None:
    largest = ALL["13.7.18"]
    assert largest.compression is not None and largest.compression.fragment == 32_768
    assert largest.size == 1000 * 131_072 and largest.may_be_too_big and not ALL["12.1.9"].may_be_too_big
    assert largest.compression.asks == (Wish(True, 9), Wish(True), Wish())
    assert largest.compression.offer == (
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=9; client_max_window_bits, "
        "permessage-deflate; server_no_context_takeover; client_max_window_bits, "
        "permessage-deflate; client_max_window_bits"
    )
    assert "records in JSON" in ALL["12.1.1"].title and "echoes may be compressed or not" in largest.stimulus.lower()


def test_fewer_echoes_for_a_quick_look() -> None:
    few = with_echoes((catalogue_cases()[0], ALL["12.3.4"]), 3)
    assert few[0] is catalogue_cases()[0] and few[1].id == "12.3.4"
    assert sum(isinstance(step, SendFrame) for step in few[1].steps) == 3
