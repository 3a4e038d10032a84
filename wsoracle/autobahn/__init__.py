"""Everything about Autobahn|Testsuite: its specification files, its cases as data, its expectations beside ours.

Its files go in; our options, patterns and docs/autobahn.md come out.
"""
