"""The harness: cases on connections to running endpoints, in the role of the client and in that of the server."""
