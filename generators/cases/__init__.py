"""Cases: what a tester does, what an endpoint may do then, and the catalogue of Autobahn's ids.

Histories of the model and tables go in; cases, their files and their words come out.
"""
