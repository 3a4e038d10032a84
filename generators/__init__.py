"""Inputs to try: strategies, mutants, cases, suites and the files made from them.

The rules and the judge go in; octets, cases and proofs of equivalence come out, for the tool and for other programs.
"""
