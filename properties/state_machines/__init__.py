"""Runs of endpoints in process: walks through the rules in two engines that must agree, and what drives an endpoint.

A rule set or an endpoint goes in; a run, or the difference that it shows, comes out.
"""
