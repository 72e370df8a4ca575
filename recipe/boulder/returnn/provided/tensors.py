"""`returnn.tf.util.basic`: functions of tensors, and `Data`, `Dim` and `DimensionTag`, which older configs import from it."""

from boulder.network.code import axis_functions
from boulder.network.code.tensor_functions import dropout, get_shape, get_shape_dim, safe_exp, safe_log, where_bc
from boulder.returnn.provided.dims import Data, Dim, DimensionTag

globals().update({name: getattr(axis_functions, name) for name in axis_functions.NAMES})

__all__ = [
    "Data", "Dim", "DimensionTag", "dropout", "get_shape", "get_shape_dim", "safe_exp", "safe_log", "where_bc",
    *axis_functions.NAMES,
]  # fmt: skip
