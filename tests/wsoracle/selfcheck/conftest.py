"""What the tests of mutants rest on."""

from tests.ground import ground

__all__ = ["ground"]
