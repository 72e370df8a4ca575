"""One file for each family of layer classes. Importing this package registers them all."""

from boulder.network.layers import activation, combine, copy, linear, rec, repeat

__all__ = ["activation", "combine", "copy", "linear", "rec", "repeat"]
