"""What is expected in a case: a stimulus goes in, each thinkable behaviour with its verdict comes out.

Nothing is typed in: the judge says it of candidates, and what it says is kept in ``data/expected.json``.
"""
