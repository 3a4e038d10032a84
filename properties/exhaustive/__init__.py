"""A second judge, for small traces: every interleaving and every outcome, tried one after the other.

In goes a trace; out comes whether the rules allow it, and if not, which rules the explanations with one fault break.
"""
