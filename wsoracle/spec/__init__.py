"""docs/spec.md: the text written by hand goes in, the same text with its generated blocks comes out.

Each module makes the blocks of one topic from the rows.
"""
