"""Endpoints of our own over TCP, to try a set-up with: an echo server, an echo client, a client of a fuzzing server.

In go addresses and TLS contexts; out come connections that the model's endpoint holds, and lines that say how it went.
They are for smoke tests of a set-up: what they show of conformance is that of the model itself.
"""
