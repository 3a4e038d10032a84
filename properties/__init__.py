"""Properties of rule sets and of endpoints: requirements, theorems, state machines, the judge, readers of traces.

Rule sets and observations go in; proofs, counterexamples and judgements come out.
"""
