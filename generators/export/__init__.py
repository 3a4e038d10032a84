"""Cases as files for other programs: JSON, a pytest module, classes for Autobahn's runner.

Cases go in; a directory, written whole or not at all, comes out.
"""
