"""Explanations for people: the octets of frames or of a head go in, an explanation comes out, as text or as JSON.

It says of each unit its fields, the rules that it meets with their clauses, what is owed then, and what would have been
legal.
"""
