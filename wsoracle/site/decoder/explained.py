"""An explanation as HTML: the items that ``explain`` tells, each as a part of a page."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from wsoracle.model.notation.expression import text
from wsoracle.model.notation.rule import Rule

from ...explain.explanation import ExplainedOctets, UnitReading
from ...explain.head_lines import HeadLine
from ...explain.told import FieldsSaid, Gap, HeadSaid, RuleSaid, Said, SampleHead, Tone, lines_of_head, printable, told
from ...text.visible import html_of
from ..addresses import Addresses
from ..octets import fields_html


def explained_html(explanation: ExplainedOctets[UnitReading], addresses: Addresses, level: int = 3) -> str:
    """All that is said of an explanation; each unit has a heading of this level."""
    return "".join(_parts(explanation, addresses, level))


def _parts(explanation: ExplainedOctets[UnitReading], addresses: Addresses, level: int) -> Iterator[str]:
    begins, is_open = False, False
    for item in told(explanation):
        if isinstance(item, Gap):
            begins = True
            continue
        if begins and isinstance(item, Said) and item.tone is Tone.TITLE and item.depth == 0:
            yield f"{'</section>' if is_open else ''}<section class=unit><h{level}>{html_of(item.words)}</h{level}>"
            is_open = True
        else:
            yield _item(item, addresses)
        begins = False
    yield "</section>" if is_open else ""


def _item(item: Said | RuleSaid | FieldsSaid | HeadSaid | SampleHead, addresses: Addresses) -> str:
    match item:
        case Said(words, tone, depth):
            inside = html_of(words) if tone is Tone.OCTETS else addresses.linked(html_of(words), "")
            return f'<p class="said {tone.value} d{depth}">{inside}</p>'
        case RuleSaid(rule, why, quoted):
            return rule_html(rule, addresses, why="" if why is None else f"because {text(why)}", quoted=quoted)
        case FieldsSaid(rows, octets):
            return fields_html(octets, rows)
        case HeadSaid(lines):
            return _head(lines)
        case SampleHead(octets):
            return f"<pre tabindex=0>{escape(chr(10).join(lines_of_head(octets)))}</pre>"


def rule_html(rule: Rule, addresses: Addresses, *, why: str = "", quoted: bool = True) -> str:
    """A rule with its strength, and where it is said why it applies and what the RFC says."""
    because = f" <span class=dim>{html_of(why)}</span>" if why else ""
    cited = f"<blockquote><p>{escape(rule.quote)}</p><cite>{addresses.clause(rule)}</cite></blockquote>"
    return (
        f"<div class=ruled><p><span class=strength>{rule.strength.value}</span> {addresses.link(rule.id)}{because}</p>"
        f"{cited if quoted else ''}</div>"
    )


def _head(lines: tuple[HeadLine, ...]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(printable(line.octets))}</code></td><td{_look(line)}>{_facts(line)}</td></tr>"
        for line in lines
    )
    return (
        "<table class=head><thead><tr><th scope=col>line</th><th scope=col>what it says</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def _look(line: HeadLine) -> str:
    if any(fact.wrong for fact in line.facts):
        return " class=bad"
    return "" if line.facts else " class=dim"


def _facts(line: HeadLine) -> str:
    return html_of("; ".join(map(str, line.facts)) or line.remark)
