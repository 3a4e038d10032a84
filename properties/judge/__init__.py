"""The judge: what was observed of an endpoint goes in, a verdict with rules, octet and alternatives comes out.

``judge`` takes a whole trace and ``live`` one observation after the other. Both run ``search``: over heads first, then
over frames, with what may be read (``reading_heads``, ``reading``) and done (``outputs``).
"""
