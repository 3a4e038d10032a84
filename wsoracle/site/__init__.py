"""A static site for people who learn the protocol (``wsoracle site``): docs/spec.md and the rows go in, pages come out.

Nothing is written a second time: chapters are those of the document; players, rules and links come from the rows.
"""
