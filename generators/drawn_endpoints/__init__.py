"""Endpoints drawn at random from the rules, and the traces that an observer takes down of them.

In goes a number; out comes a trace of an endpoint that conforms, or that departs from one rule at one moment.
"""
