"""A proxy between a real client and a real server: octets pass unchanged, and both endpoints are judged as they run.

In go addresses, out come pages and traces as of a run of cases, in a report folder.
"""
