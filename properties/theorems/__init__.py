"""What must hold of a rule set, and how it is proved: well-formedness, safety, reachability, the pair, octets.

A rule set goes in; a proof or a counterexample comes out for each theorem.
"""
