"""Everything about Autobahn|Testsuite: its specification files, its cases as data, its expectations beside the judge's.

In go its files, which a user names; out come settings for the harness, and docs/autobahn.md.
"""
