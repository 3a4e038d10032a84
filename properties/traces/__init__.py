"""Recorded traces, one reader for each format: a document goes in, what the judge takes comes out.

``recorded`` is the project's own JSON (docs/traces.md), ``autobahn`` the reports of Autobahn|Testsuite.
"""
