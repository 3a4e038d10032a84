"""The judge: what was observed of an endpoint goes in, a verdict with rules, octet and alternatives comes out.

``judge`` takes a whole trace and ``live`` one observation after the other; ``search`` looks for the explanation
behind both.
"""
