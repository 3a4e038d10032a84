"""Theorems about octets hold, and a fault in the table or function that they are about is refuted."""

from __future__ import annotations

from typing import Any

import pytest

from wsoracle.model.octets import frames, utf8
from wsoracle.properties.theorems.octets import OCTETS
from wsoracle.properties.theorems.theorem import ProofVerdict, TheoremSubject

BY_NAME = {theorem.id.partition("/")[2]: theorem for theorem in OCTETS}


def _surrogates_allowed() -> tuple[utf8.Row, ...]:
    return tuple(row._replace(high=0xBF) if row.state == utf8.AFTER_ED else row for row in utf8.ROWS)


def _no_tail() -> tuple[utf8.Row, ...]:
    return tuple(row for row in utf8.ROWS if row.state != utf8.TAIL1)


def _wrong_mask(octet: Any, key: Any, index: Any) -> Any:
    return octet | key[index % 4]


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("utf8-accepts-only-rfc-3629", TheoremSubject(utf8_rows=_surrogates_allowed())),
        ("utf8-accepts-all-of-rfc-3629", TheoremSubject(utf8_rows=utf8.ROWS[1:])),
        ("utf8-rejects-at-the-first-hopeless-octet", TheoremSubject(utf8_rows=_no_tail())),
        ("masking-is-its-own-inverse", TheoremSubject(mask_octet=_wrong_mask)),
        ("one-encoding-a-length", TheoremSubject(length_forms=[frames.LENGTH_FORMS[0], *(
            form._replace(smallest=form.smallest + 1) for form in frames.LENGTH_FORMS[1:])])),
        ("header-is-a-bijection", TheoremSubject(header_fields=[f._replace(shift=0) for f in frames.FIELDS])),
    ],
)  # fmt: skip
def test_a_fault_is_refuted(name: str, fault: TheoremSubject) -> None:
    result = BY_NAME[name].check(fault)
    assert result.verdict is ProofVerdict.REFUTED
    assert result.counterexample
