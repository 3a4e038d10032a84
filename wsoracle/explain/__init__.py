"""Explanations for people: octets or heads go in, fields, rules, quotes and remedies come out, as text or JSON."""
