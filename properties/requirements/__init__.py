"""The register of requirements: every normative sentence of RFC 6455, and how the project covers it.

The text of the RFC goes in to check the quotes; rows with their coverage come out.
"""
