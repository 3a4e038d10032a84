"""The suite against a parser in any language, without sockets or timers: a command that starts an adapter goes in.

The harness of running servers does all of it; here stands what takes the place of TCP and of the clock. What comes out
are the verdicts and reports of ``wsoracle test``.
"""
