"""Benchmarks: frames a second and the time of whole suites, beside others on the same input in the same run."""
