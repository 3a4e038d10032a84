"""Diagrams of the states that an endpoint can reach.

An exploration of the model goes in; Mermaid, DOT, or the SVG that Graphviz draws comes out.
"""
