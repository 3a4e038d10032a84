"""What must be true: requirements, theorems, state machines, and the judge with its readers of traces.

Rule sets and observations go in; proofs, counterexamples and judgements come out.
"""
