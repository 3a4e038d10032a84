"""Benchmarks: our endpoint and our suites beside those of others, on the same input in one run.

How often to measure goes in; times, and the ratios of the sides, come out.
"""
