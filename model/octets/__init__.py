"""Octets and the values that they stand for: frames, masking, UTF-8, heads of HTTP and what stands in them.

Octets go in and values come out, and back; no rule and no state of a connection is known here.
"""
