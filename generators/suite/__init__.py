"""Which cases there are: witnesses of rules, faults of handshakes, and the reduced suite that kills every mutant.

The rules go in; cases in the order of their ids come out.
"""
