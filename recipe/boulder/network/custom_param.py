"""Parameters that a function computes from those of another layer: `custom` in `reuse_params`, as for tied embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

from boulder.errors import NetworkError
from boulder.lazy import TFTensor, tf
from boulder.network.params import Borrowed


def custom_param(layer: str, entry: Borrowed, params: Mapping[str, TFTensor]) -> TFTensor:
    """
    Calls the function as RETURNN does: (base_layer=…, reuse_layer=…, full_name=…, name=…, shape=…, dtype=…, getter=…).

    :param layer: absolute name of the layer
    :param params: name → value, of the parameters of `reuse_layer`
    :raises NetworkError: if the function fails, or returns another shape
    """

    def getter(**_options: object) -> TFTensor:
        raise NetworkError(
            "'getter' is not supported; the function must return a tensor, computed from 'reuse_layer.params'"
        )

    base = SimpleNamespace(name=layer.rpartition("/")[2], get_absolute_name=lambda: layer)
    other = SimpleNamespace(name=entry.owner.rpartition("/")[2], params=dict(params)) if entry.owner else None
    try:
        value = tf.convert_to_tensor(
            entry.custom(  # type: ignore[misc]  # an entry with a function
                base_layer=base, reuse_layer=other, full_name=f"{layer}/{entry.name}", name=entry.name.removeprefix("rec/"),
                shape=entry.shape, dtype=tf.float32, getter=getter,
            )
        )  # fmt: skip
    except Exception as error:
        raise NetworkError(
            f"{entry.where}: 'custom' in 'reuse_params' failed for {entry.name!r}: {type(error).__name__}: {error}"
        ) from error
    if tuple(value.shape) != entry.shape:
        raise NetworkError(
            f"{entry.where}: 'custom' in 'reuse_params' gave {entry.name!r} the shape {tuple(value.shape)}, expected {entry.shape}"
        )
    return value
