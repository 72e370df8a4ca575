"""RETURNN as a reference, as in tests/parity."""

from tests.parity.conftest import returnn

__all__ = ["returnn"]
