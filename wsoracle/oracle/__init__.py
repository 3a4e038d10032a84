"""The oracle for other programs: what was seen of an endpoint goes in as it happens, and answers come out.

``online`` follows one connection, in Python.
"""
