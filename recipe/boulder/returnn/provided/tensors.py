"""`returnn.tf.util.basic`: the functions that functions in net dicts call on tensors."""

from boulder.errors import NetworkError
from boulder.lazy import tf
from boulder.returnn.provided.dims import Data, Dim, DimensionTag  # noqa: F401 (older configs import them from here)

FUNCTIONS = ("dropout", "get_shape", "get_shape_dim", "safe_exp", "safe_log", "where_bc")
"""What there is, also for the texts of `eval`."""


def get_shape(x) -> list:
    """:return: of each axis its static size, or, where that is not known, a scalar tensor"""
    static = x.shape.as_list()
    dynamic = tf.shape(x) if None in static else None
    return [size if size is not None else dynamic[axis] for axis, size in enumerate(static)]


def get_shape_dim(x, axis: int, name: str = "shape_dim"):
    """:return: static size of an axis, or a scalar tensor"""
    static = x.shape.as_list()[axis]
    return tf.shape(x, name=name)[axis] if static is None else static


def safe_log(x, eps: float = 1e-20, use_fake_grad: bool = True):
    """
    :param use_fake_grad: nothing depends on it here: below `eps` the gradient is 0
    :return: log(max(x, eps))
    """
    return tf.math.log(tf.maximum(x, eps))


def safe_exp(x, eps: float = 1e-20):
    """:return: exp(x), from `eps` to 1 / `eps`"""
    return tf.clip_by_value(tf.exp(x), eps, 1 / eps)


def where_bc(condition, x, y, allow_broadcast_all_sources=None, name: str = "where_bc"):
    """
    `tf.where` that broadcasts, also over axes that are missing at the end: [B] chooses for all of [B, D].

    :param allow_broadcast_all_sources: nothing depends on it here
    """
    with tf.name_scope(name):
        x, y = _converted_together(x, y)
        tensors = [tf.convert_to_tensor(condition), x, y]
        rank = max(tensor.shape.rank for tensor in tensors)
        return tf.where(*(_with_rank(tensor, rank) for tensor in tensors))


def _converted_together(x, y) -> tuple:
    if tf.is_tensor(y) and not tf.is_tensor(x):
        return tf.convert_to_tensor(x, dtype=y.dtype), y
    x = tf.convert_to_tensor(x)
    return x, y if tf.is_tensor(y) else tf.convert_to_tensor(y, dtype=x.dtype)


def _with_rank(tensor, rank: int):
    if tensor.shape.rank in (0, rank):
        return tensor
    return tf.reshape(tensor, [*get_shape(tensor), *[1] * (rank - tensor.shape.rank)])


def dropout(
    x, keep_prob, noise_shape=None, seed=None, name=None, cond_on_train=False, apply_correction_factor=True, **_
):
    """
    :param keep_prob: a number, or a scalar tensor
    :param noise_shape: 1 broadcasts in an axis, None does not
    :param cond_on_train: only in training
    """
    from boulder.network.code.random_numbers import drawn  # with NumPy, which planning does without
    from boulder.network.code.running import running_code

    code = running_code()
    if cond_on_train and code is None:
        raise NetworkError(
            "dropout: found cond_on_train=True outside of layers, where nobody knows whether it is training"
        )
    if cond_on_train and not code.random.train:
        return x
    with tf.name_scope(name or "dropout"):
        x = tf.convert_to_tensor(x)
        if isinstance(keep_prob, int | float):
            if not 0 < keep_prob <= 1:
                raise NetworkError(f"dropout: found keep_prob {keep_prob!r}, expected more than 0 and at most 1")
            if keep_prob == 1:
                return x
        if noise_shape is None:
            noise_shape = get_shape(x)
        elif isinstance(noise_shape, list | tuple):
            noise_shape = [get_shape_dim(x, axis) if n is None else n for axis, n in enumerate(noise_shape)]
        keep_prob = tf.cast(keep_prob, x.dtype)
        uniform = drawn("random.uniform", tf.random.uniform)
        kept = tf.floor(keep_prob + uniform(noise_shape, seed=seed, dtype=x.dtype))
        return x * (kept / keep_prob if apply_correction_factor else kept)
