"""Runs cases against endpoints over sockets, as a client and as a server.

In go cases and addresses, or connections of clients; out come records of each case, judged, in a report folder.
"""
