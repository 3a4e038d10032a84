"""From rows to steps: a rule set, a state and an event go in, the allowed outcomes come out.

``interpreted`` is the reference in twenty lines; generated Python, Z3 terms and the search for reachable states are
shown equal to it.
"""
