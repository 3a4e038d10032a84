"""A record that brings its page along, made where there was time for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .names import Names

__all__ = ["PagedRecord", "control_of", "page_of", "with_page"]


class PagedRecord(dict[str, Any]):
    """A record with its page, in which the page of its control is called `control_page`.

    Whoever changes the record sets `page` to None.
    """

    page: str | None = None
    control_page: str | None = None


def control_of(record: Mapping[str, Any]) -> str | None:
    """The id of the control that a record names."""
    ours = record.get("wsoracle")
    control = ours.get("control") if isinstance(ours, Mapping) else None
    return control if isinstance(control, str) else None


def with_page(record: Mapping[str, Any]) -> PagedRecord:
    """The record and its page, for a folder in which no two names clash: else the folder makes another one."""
    from .page import case_page

    paged = PagedRecord(record)
    control = control_of(record)
    paged.control_page = None if control is None else f"{Names().base(str(record['agent']), control)}.html"
    paged.page = case_page(record, paged.control_page)
    return paged


def page_of(record: Mapping[str, Any], control_page: str | None) -> str:
    """The page of a record: the one that it brings, if that fits, or a new one."""
    from .page import case_page

    if isinstance(record, PagedRecord) and record.page is not None and record.control_page == control_page:
        return record.page
    return case_page(record, control_page)
