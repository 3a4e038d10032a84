"""The text of docs/spec.md that is written by hand, beside the RFC and the model: quotes, names, numbers, chapters."""

import re

from tests.rfc_file import both_texts, rfc_text
from tests.wsoracle.spec.test_document import BY_HAND, EVERY, NAMED, cells
from wsoracle.model.notation.switches import SWITCHES
from wsoracle.model.notation.variables import HANDSHAKE
from wsoracle.model.octets import deflate_parameters, frames, utf8
from wsoracle.model.octets.vocabulary import DEFAULT_LIMIT, FORM_NAMES, KEY_OCTETS
from wsoracle.model.rules import RULES
from wsoracle.model.rules.close_codes import REGISTER
from wsoracle.properties.requirements.rfc_text import normalise, quote_occurs
from wsoracle.prover import theorems
from wsoracle.spec import document, rules
from wsoracle.spec.compression import AGREED
from wsoracle.spec.frames import EXAMPLES


def test_quotes_are_verbatim() -> None:
    rfc = rfc_text()
    blocks = re.findall(r"(?:^> .*\n)+", BY_HAND, re.MULTILINE)
    assert blocks
    quotes = []
    for block in blocks:
        found = re.fullmatch(r"(.*) \(section ([\d.]+)\)", normalise(block.replace("> ", "")))
        assert found is not None, f"no section: {block}"
        quotes.append((found[1], found[2]))
    quotes += re.findall(r'"([^"]+)" \(section ([\d.]+)\)', normalise(BY_HAND.replace("> ", "")))
    wrong = [f"section {section} does not say: {quote}" for quote, section in quotes if not said(quote, section)]
    assert not wrong, "\n".join(wrong)
    assert rfc


def said(quote: str, section: str) -> bool:
    return quote_occurs(rfc_text(), quote, section)


def test_quotes_in_tables_are_verbatim() -> None:
    for topic in rules.TOPICS:
        for line in document.block(f"rules-{topic.name}").splitlines():
            if line.startswith("| `"):
                rule, *_, quote = (cell.strip() for cell in cells(line))
                section = rule.rpartition("section ")[2]
                clause = f"7692.{section}" if rule.startswith("`7692.") else section
                assert quote_occurs(both_texts(), quote.replace("\\|", "|").replace("&lt;", "<"), clause), line


def test_examples_of_the_rfc_are_those_of_the_rfc() -> None:
    section = rfc_text().sections["5.7"].text.replace("0x", "")
    for name in ("hello", "hello-masked", "ping-pong"):
        assert all(octets in section for octets in EXAMPLES[name]), name


IDS = {rule.id for rule in RULES} | {theorem.id for theorem in theorems()}
WORDS = {
    *EVERY,
    *NAMED,
    *(s.name for s in SWITCHES),
    *(name for name in utf8.STATE_NAMES),
    *HANDSHAKE,
    *("FIN", "RSV1", "RSV2", "RSV3", "MASK", "opcode", "length"),
    *("OK", "NON-STRICT", "FAILED", "INFORMATIONAL", "UNIMPLEMENTED", "interop", "letter"),
}


def spans() -> list[str]:
    """What stands between backticks in the text written by hand."""
    return re.findall(r"`([^`\n]+(?:\n[^`\n]+)?)`", re.sub(r"```.*?```", "", BY_HAND, flags=re.DOTALL))


def test_rules_and_theorems_that_the_text_names_exist() -> None:
    named = [span for span in spans() if re.match(r"[\w.-]+/[a-z]", span) and not span.endswith(".py")]
    assert len(named) > 50
    assert [span for span in named if span not in IDS] == []


def test_other_names_in_the_text_exist() -> None:
    free = re.compile(
        r"[0-9A-F]{2}( [0-9A-Fa-f]{2})*|[\w/]+\.py|wsoracle \w+|model/|AFTER|variable := new value|allowed.*"
        r"|101|200|400|426|https?|wss?|websocket|Upgrade|Sec-[\w-]*|7692|BFINAL|(client|server)_(max_window_bits|no_context_takeover)"
        r"|(compression|pair)/\.\.\."
    )
    other = [" ".join(span.split()) for span in spans() if not re.match(r"[\w.-]+/[a-z]", span)]
    assert [span for span in other if span not in WORDS and not free.fullmatch(span)] == []


def test_chapters_that_the_text_names_exist() -> None:
    chapters = set(re.findall(r"^##+ (\d+(?:\.\d+)?)\.? ", BY_HAND, re.MULTILINE))
    named = set(re.findall(r"[Cc]hapters? (\d+(?:\.\d+)?)", BY_HAND))
    named |= set(re.findall(r"[Cc]hapters? \d+ (?:to|and) (\d+)", BY_HAND))
    assert named - chapters == set()
    top = [int(chapter) for chapter in re.findall(r"^## (\d+)\. ", BY_HAND, re.MULTILINE)]
    assert top == list(range(1, len(top) + 1))


def known_numbers() -> set[int]:
    """Numbers that the model knows, and may therefore stand in the text: a change of the model turns them wrong."""
    forms = {
        n for row in frames.LENGTH_FORMS for n in (row.marker, row.smallest, frames.capacity(row.form), row.extended)
    }
    codes = {n for row in REGISTER for n in (row.low, row.high)}
    bits = {int(word) for name in FORM_NAMES for word in name.split("+")}
    windows = {*deflate_parameters.BITS, AGREED.recv_window}
    return {*forms, *codes, *bits, *windows, *range(2), KEY_OCTETS, DEFAULT_LIMIT, 63, 255}


def test_numbers_in_the_text_are_known_to_the_model() -> None:
    text = re.sub(
        r"^>.*$|^\|.*$|^#.*$|^\d+\. |`[^`]*`|U\+[0-9A-F]+|UTF-\d+|RFC \d+|2\^\d+", "", BY_HAND, flags=re.MULTILINE
    )
    text = " ".join(text.split())
    text = re.sub(r"\b([Ss]ections?|[Cc]hapters?|Part) [\d.]+\d*(,? (to|and|or)? ?[\d.]*\d)*", "", text)
    found = {int(number) for number in re.findall(r"(?<![\w.])\d+(?![\w])", text)}
    assert found - known_numbers() == set()


def test_the_text_counts_nothing_that_a_block_counts() -> None:
    counted = r"\b\d+ (rules|rows|theorems|switches|requirements|sentences|states|mutants|cases)\b"
    assert re.findall(counted, BY_HAND) == []
