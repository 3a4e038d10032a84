"""The model of RFC 6455: octets, notation, rules, facts, machine and endpoint, without input, output, clock or chance.

Octets go in; facts, allowed outcomes and the rules behind them come out.
"""
