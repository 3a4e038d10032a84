"""The judge checked by construction: drawn endpoints whose conformance is known, and what the judge says of them.

In goes a seed and a time; out comes how often the judge was right, and each kind of wrong verdict as a short trace.
"""
