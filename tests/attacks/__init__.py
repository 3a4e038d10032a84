"""Attacks: peers and files that try to cost more than their bound (`make attack`).

Each runs the program with limits on memory and CPU time, and is measured; what costs more than its bound is a fault.
"""
