"""Small faulty, slow, odd and dying endpoints, each with the causes that its report must name, and no others.

`base` is the endpoint that they all are but for one thing, `servers` and `clients` the tables, `running` the run that
the tests and the longer campaign (`python -m tests.zoo`) share.
"""
