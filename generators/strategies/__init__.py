"""Hypothesis strategies: frames, stimuli, and heads of the opening handshake, from legal to damaged.

Settings go in; strategies over octets and observations come out.
"""
