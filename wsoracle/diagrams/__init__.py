"""Diagrams of states: an exploration goes in, Mermaid or SVG comes out."""
