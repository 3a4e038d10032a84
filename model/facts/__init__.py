"""From octets to what rules see: a frame or a head goes in, its facts come out, and back.

Every judge, endpoint and generator takes its facts from here, so that all of them see the same.
"""
