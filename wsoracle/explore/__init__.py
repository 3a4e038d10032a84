"""Exploration: implementations go in, deviations with the shortest run that shows them come out.

Hypothesis draws the runs, the judge judges them, and our own endpoint is the control.
"""
