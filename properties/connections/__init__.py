"""Requirements that only many connections of one endpoint show: what a tester has seen of each goes in, one result for
each check comes out. Everything is pure: the clock, the sockets and the files are the harness's.
"""
