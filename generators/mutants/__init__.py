"""Mutants: faults made by changing one row, and how they are told from the original or proved equivalent to it.

A rule set goes in; mutants, distinguishing histories and proofs come out.
"""
