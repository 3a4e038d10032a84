"""Theorems on a rule set, and their proofs: well-formedness, safety, reachability, the pair, octets.

A rule set goes in; a proof or a counterexample comes out for each theorem.
"""
