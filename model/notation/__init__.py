"""The notation of a row: expressions, the variables that they read, rules and sets of rules, switches.

Nothing of RFC 6455 is decided here; rows written in this notation go to :mod:`~wsoracle.model.machine`.
"""
