"""A canonical endpoint without input or output: octets go in, events and octets come out, in either role.

It does what the rules require and, where they leave a choice, what most implementations do.
"""
