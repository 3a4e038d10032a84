"""The reading of the RFC's text: page breaks, hyphens, sentences, key words, quotes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rfc_file import rfc_text
from wsoracle.properties.requirements.rfc_text import (
    keywords_in,
    level_of,
    lower_case_keyword,
    normalise,
    normative_sentences,
    occurs_in_order,
    parse,
    quote_occurs,
    split_sentences,
)

# In the manner of an RFC, with each thing that the reader must know about.
SMALL = """
Internet Engineering Task Force (IETF)                          A. Nobody

Table of Contents

   1.  Frames . . . . . . . . . . . . . . . . . . . . . . . . . . . .  1

1.  Frames

   A frame MUST be short (e.g., 3 octets).  It is sent in the client-
   to-server direction, which is a long way that goes over



Fette & Melnikov             Standards Track                    [Page 1]
\f
RFC 6455                 The WebSocket Protocol            December 2011


   the page.  Nothing else

   Opcode:  4 bits

      Says what it is.  SHOULD be small.

   o  A first item, which MAY be
      of two lines

   1.  A second item.  _It_ MUST NOT end (cf. Section 2.)  Then more.



Fette & Melnikov             Standards Track                    [Page 2]
\f
RFC 6455                 The WebSocket Protocol            December 2011


   /key/
      The meaning of the key.

    bit                     = %x0 / %x1
                            ; 1 bit in length, MUST be 0 unless
                            ; negotiated otherwise
    other                   = %x0 ; zero

1.1.  Nothing

2.  Last

   Senders must be kind.  A sentence. _Another_ one.

Authors' Addresses

   They MUST NOT be read.



Fette & Melnikov             Standards Track                    [Page 3]
"""


def test_sections_and_sentences_of_a_small_text() -> None:
    rfc = parse(SMALL)
    assert {number: section.title for number, section in rfc.sections.items()} == {
        "1": "Frames",
        "1.1": "Nothing",
        "2": "Last",
    }
    assert rfc.sections["1"].paragraphs == (
        (
            "A frame MUST be short (e.g., 3 octets).",
            "It is sent in the client-to-server direction, which is a long way that goes over the page.",
            "Nothing else",
        ),
        ("Opcode: 4 bits",),
        ("Says what it is.", "SHOULD be small."),
        ("A first item, which MAY be of two lines",),
        ("A second item.", "_It_ MUST NOT end (cf. Section 2.)", "Then more."),
        ("/key/",),
        ("The meaning of the key.",),
        ("bit = %x0 / %x1 ; 1 bit in length, MUST be 0 unless negotiated otherwise",),
        ("other = %x0 ; zero",),
    )
    assert rfc.sections["1.1"].paragraphs == ()
    assert [sentence.text for sentence in rfc.sentences() if sentence.section == "2"] == [
        "Senders must be kind.",
        "A sentence.",
        "_Another_ one.",
    ]
    assert [(sentence.section, level_of(sentence.text)) for sentence in normative_sentences(rfc)] == [
        ("1", "MUST"),
        ("1", "SHOULD"),
        ("1", "MAY"),
        ("1", "MUST NOT"),
        ("1", "MUST"),
    ]


def test_line_ends_of_other_systems_change_nothing() -> None:
    assert parse(SMALL.replace("\n", "\r\n")) == parse(SMALL)


def test_a_text_without_sections_is_refused() -> None:
    with pytest.raises(ValueError, match="no numbered section"):
        parse("Nothing to see.\n")


def test_a_section_that_occurs_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="section 1 occurs twice"):
        parse("1.  One\n\n   Text.\n\n1.  One again\n")


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("It MUST be so.", "MUST"),
        ("It MAY be so, but then MUST NOT be otherwise.", "MUST NOT"),
        ("It MUST be so and MUST NOT be otherwise.", "MUST"),
        ("It MUST NOT be so and MUST be otherwise.", "MUST NOT"),
        ("It is OPTIONAL but RECOMMENDED.", "RECOMMENDED"),
        ("It is NOT RECOMMENDED.", "NOT RECOMMENDED"),
        ("It SHALL NOT be; it is REQUIRED.", "SHALL NOT"),
        ("It does NOT include it.", None),
        ("MUSTARD and MAYHEM, May and must.", None),
    ],
)
def test_the_strongest_key_word_decides(text: str, level: str | None) -> None:
    assert level_of(text) == level


def test_key_words_in_order_and_in_lower_case() -> None:
    assert keywords_in("MAY, SHOULD NOT, SHOULD and MAY") == ("MAY", "SHOULD NOT", "SHOULD", "MAY")
    assert lower_case_keyword("It should not, and must.") == "should not"
    assert lower_case_keyword("It MUST; mustard.") is None


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("one two", True),
        ("two\n   three", True),
        ("one ... three", True),
        ("three ... one", False),
        ("one two ... two three", False),  # the parts may not overlap
        ("One two", False),
        ("", False),
        (" ... ", False),
    ],
)
def test_parts_of_a_quote_occur_in_order(quote: str, found: bool) -> None:
    assert occurs_in_order(quote, "one two three") is found


def test_a_quote_is_looked_for_in_its_own_section_only() -> None:
    rfc = parse(SMALL)
    assert quote_occurs(rfc, "the client-to-server direction ... Then more.", "1")
    assert not quote_occurs(rfc, "the client-to-server direction", "2")
    assert not quote_occurs(rfc, "the client-to-server direction", "7")


@given(st.text(alphabet=" \n\tab-.", max_size=40))
def test_normalising_twice_is_normalising_once(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert " ".join(split_sentences(once)) == once


# --- the RFC itself


def test_the_rfc_has_its_sections() -> None:
    sections = rfc_text().sections
    assert len(sections) == 88
    assert sections["7.1.7"].title == "Fail the WebSocket Connection"
    numbers = list(sections)
    assert (numbers[0], numbers[-1]) == ("1", "14.2")


def test_nothing_of_a_page_is_left_in_the_text() -> None:
    for section in rfc_text().sections.values():
        assert "[Page" not in section.text
        assert "Fette & Melnikov" not in section.text
        assert "RFC 6455 The WebSocket Protocol" not in section.text
        assert "\f" not in section.text


def test_the_key_words_of_the_rfc_are_all_found() -> None:
    found = [word for sentence in normative_sentences(rfc_text()) for word in keywords_in(sentence.text)]
    counts = {word: found.count(word) for word in sorted(set(found))}
    assert counts == {
        "MAY": 48,
        "MUST": 114,
        "MUST NOT": 26,
        "OPTIONAL": 2,
        "RECOMMENDED": 1,
        "REQUIRED": 1,
        "SHALL": 1,
        "SHALL NOT": 1,
        "SHOULD": 25,
        "SHOULD NOT": 5,
    }
    assert counts["MUST"] + counts["MUST NOT"] == 140


@pytest.mark.parametrize(
    ("section", "quote"),
    [
        ("2", "are non-normative, as are all sections"),  # a hyphen at the end of a line
        ("4.2.2", "The empty string is not the same as the null value for these purposes."),  # over a page break
        ("5.2", "1 bit in length, MUST be 0 unless negotiated otherwise"),  # an ABNF comment of two lines
        ("5.2", "Masking-key: 0 or 4 bytes All frames sent from the client"),  # a term and its definition
        ("7.1.5", "potentially simultaneously. _The WebSocket Connection Close Code_ is defined"),
        ("7.1.7", "An endpoint MUST NOT continue to attempt to process data ... from the remote endpoint"),
    ],
)
def test_quotes_that_the_layout_of_the_rfc_makes_hard(section: str, quote: str) -> None:
    assert quote_occurs(rfc_text(), quote, section)
