"""Real implementations as processes: a registry of them, their installation, and a run of each against the harness.

Rows of the registry and the scripts below ``scripts/`` go in; reports, the matrix and the deviations come out.
"""
