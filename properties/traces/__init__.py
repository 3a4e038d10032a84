"""Recorded traces, one reader for each format: what a file holds goes in, what the judge takes comes out.

``registry`` knows them all. ``recorded`` is the project's own JSON (docs/traces.md), ``autobahn`` the reports of
Autobahn|Testsuite; the others are captures (docs/captures.md), which become what passed on a ``conversation``.
"""
