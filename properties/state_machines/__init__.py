"""Hypothesis state machines and what drives them: two engines of the model, or any endpoint against the model.

A rule set or an endpoint goes in; a run that shows a difference comes out, if there is one.
"""
