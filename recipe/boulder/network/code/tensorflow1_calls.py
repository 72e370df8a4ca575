"""TensorFlow functions that also accept calls written for TensorFlow 1, where meanings or argument orders have changed.

Each accepts all calls of TensorFlow 2's function. A call that TensorFlow 2 would refuse or misread has its meaning in
TensorFlow 1.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from boulder.errors import NetworkError
from boulder.lazy import TFTensor, tf
from boulder.network.code.random_numbers import drawn_dropout
from boulder.network.code.running import running_code
from boulder.network.soft_labels import cross_entropy


def either(new: Callable, old: Callable) -> Callable:
    """
    :param new: TensorFlow 2's function, called if its signature fits the call
    :param old: TensorFlow 1's function, called if only its signature fits: `keep_dims`, `dim`, `dimension`, `fn1`, …
    """
    new_signature, old_signature = _signature(new), _signature(old)
    if new_signature is None or old_signature is None or new_signature == old_signature:
        return new

    @functools.wraps(new)
    def call(*args: Any, **kwargs: Any) -> Any:
        only_old_fits = not _fits(new_signature, args, kwargs) and _fits(old_signature, args, kwargs)
        return (old if only_old_fits else new)(*args, **kwargs)

    return call


def _signature(function: Callable) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):  # a C++ class
        return None


def _fits(signature: inspect.Signature, args: tuple, kwargs: dict) -> bool:
    try:
        signature.bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def where(new: Callable, old: Callable) -> Callable:
    """A condition [B] selects whole rows of [B, …] in TensorFlow 1; TensorFlow 2 would broadcast it along the last axis."""

    @functools.wraps(new)
    def call(condition: TFTensor, x: TFTensor = None, y: TFTensor = None, name: str | None = None) -> TFTensor:
        ranks = [getattr(getattr(value, "shape", None), "rank", None) for value in (condition, x, y)]
        rows = ranks[0] == 1 and ranks[1] == ranks[2] and (ranks[1] or 0) > 1
        if rows and condition.shape.is_compatible_with(x.shape[:1]):
            return old(condition, x, y, name)
        return new(condition, x, y, name)

    return call


def concat(new: Callable, _old: Callable) -> Callable:
    """Accepts `tf.concat(1, [a, b])`, the order before TensorFlow 1.0."""

    @functools.wraps(new)
    def call(values: Any = None, axis: Any = None, name: str = "concat", concat_dim: int | None = None) -> TFTensor:
        if isinstance(values, int):
            values, axis = axis, values
        return new(values, concat_dim if axis is None else axis, name=name)

    return call


def split(new: Callable, _old: Callable) -> Callable:
    """Accepts `tf.split(1, 2, x)`, the order before TensorFlow 1.0, also with `split_dim` and `num_split`."""

    @functools.wraps(new)
    def call(
        value: Any,
        num_or_size_splits: Any = None,
        axis: Any = 0,
        num: int | None = None,
        name: str = "split",
        num_split: int | None = None,
        split_dim: int | None = None,
    ) -> list[TFTensor]:
        if isinstance(value, int) and not isinstance(axis, int):
            value, axis = axis, value
        return new(
            value,
            num_split if num_or_size_splits is None else num_or_size_splits,
            axis=axis if split_dim is None else split_dim,
            num=num,
            name=name,
        )

    return call


def cond(new: Callable, old: Callable) -> Callable:
    """Calls one function if the condition is a Python bool, as a network's train flag may be: `tf.cond(True, f, g)` is `f()`."""
    call_either = either(new, old)

    @functools.wraps(new)
    def call(pred: bool | TFTensor, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(pred, bool):
            return call_either(pred, *args, **kwargs)
        given = dict(zip(("true_fn", "false_fn"), args, strict=False)) | kwargs
        names = ("true_fn", "fn1") if pred else ("false_fn", "fn2")
        return (given.get(names[0]) or given[names[1]])()

    return call


def dropout(new: Callable, old: Callable) -> Callable:
    """The second argument is the probability of keeping in TensorFlow 1 and of dropping in 2, so it needs its name."""
    if new is old:  # code asks for tf.compat.v1
        return drawn_dropout(old, ("x", "keep_prob", "noise_shape", "seed", "name"))
    by_name = drawn_dropout(either(new, old), ("x",))

    @functools.wraps(new)
    def call(x: TFTensor, *args: Any, **kwargs: Any) -> TFTensor:
        if args:
            raise NetworkError(
                "tf.nn.dropout: found a second argument without a name, expected keep_prob=…, which it is in "
                "TensorFlow 1, or rate=…, which it is in 2"
            )
        return by_name(x, **kwargs)

    return call


def while_loop(new: Callable, _old: Callable) -> Callable:
    """Draws other random numbers in each iteration. As in TensorFlow 2, a list of one variable returns a list of one."""
    same_structure = "return_same_structure" not in inspect.signature(new).parameters

    @functools.wraps(new)
    def call(
        cond: Callable,
        body: Callable,
        loop_vars: Any,
        shape_invariants: Any = None,
        *args: Any,
        return_same_structure: bool = same_structure,
        **kwargs: Any,
    ) -> Any:
        code = running_code()
        loop_vars = loop_vars if isinstance(loop_vars, list | tuple) else [loop_vars]
        if shape_invariants is not None:
            shape_invariants = (tf.TensorShape([]), *shape_invariants)

        def counted(iteration: TFTensor, *values: Any) -> tuple:
            if code is None:
                result = body(*values)
            else:
                with code.iteration(iteration):
                    result = body(*values)
            is_all = isinstance(result, list | tuple) and len(result) == len(loop_vars)
            return (iteration + 1, *(result if is_all else (result,)))

        first = tf.constant(0, tf.int64)
        _, *values = new(
            lambda _iteration, *values: cond(*values), counted, (first, *loop_vars), shape_invariants, *args, **kwargs
        )
        if len(values) == 1 and not return_same_structure:
            return values[0]
        return loop_vars._make(values) if hasattr(loop_vars, "_make") else type(loop_vars)(values)

    return call


def map_fn(new: Callable, _old: Callable) -> Callable:
    """Draws other random numbers for each element."""

    @functools.wraps(new)
    def call(
        fn: Callable, elems: Any, dtype: Any = None, *args: Any, fn_output_signature: Any = None, **kwargs: Any
    ) -> Any:
        code = running_code()
        if code is None:
            return new(fn, elems, dtype, *args, fn_output_signature=fn_output_signature, **kwargs)
        elems = tf.nest.map_structure(tf.convert_to_tensor, elems)
        signature = dtype if fn_output_signature is None else fn_output_signature
        if signature is None:
            signature = tf.nest.map_structure(lambda value: value.dtype, elems)

        def counted(pair: tuple[Any, TFTensor]) -> Any:
            with code.iteration(pair[1]):
                return fn(pair[0])

        numbers = tf.range(tf.shape(tf.nest.flatten(elems)[0])[0])
        return new(counted, (elems, numbers), None, *args, fn_output_signature=signature, **kwargs)

    return call


def function(new: Callable, _old: Callable) -> Callable:
    """Within a layer, traces the function anew in each call, since the random numbers depend on the layer and the mode."""

    @functools.wraps(new)
    def call(func: Callable | None = None, *args: Any, **kwargs: Any) -> Callable:
        if func is None:
            return lambda func: call(func, *args, **kwargs)
        compiled = new(func, *args, **kwargs)

        @functools.wraps(func)
        def traced(*call_args: Any, **call_kwargs: Any) -> Any:
            anew = compiled if running_code() is None else new(func, *args, **kwargs)
            return anew(*call_args, **call_kwargs)

        return traced

    return call


def softmax_cross_entropy(new: Callable, _old: Callable) -> Callable:
    """The gradient is that of TensorFlow's operation, also in jobs, see `soft_labels`. TensorFlow 1's labels have none."""
    stops = inspect.signature(new).parameters["labels"].default is None

    @functools.wraps(new)
    def call(
        labels: Any, logits: Any, axis: int | None = None, name: str | None = None, dim: int | None = None
    ) -> TFTensor:
        logits = tf.convert_to_tensor(logits)
        labels = tf.broadcast_to(tf.cast(labels, logits.dtype), tf.shape(logits))
        if (axis := dim if axis is None else axis) not in (None, -1):
            logits, labels = (tf.experimental.numpy.moveaxis(value, axis, -1) for value in (logits, labels))
        return cross_entropy(tf.stop_gradient(labels) if stops else labels, logits)

    return call


CHANGED: dict[str, Callable[[Callable, Callable], Callable]] = {
    "where": where,
    "concat": concat,
    "split": split,
    "cond": cond,
    "nn.dropout": dropout,
    "nn.softmax_cross_entropy_with_logits": softmax_cross_entropy,
    "nn.softmax_cross_entropy_with_logits_v2": softmax_cross_entropy,
    "while_loop": while_loop,
    "map_fn": map_fn,
    "function": function,
}
"""Name in `tf` → maker of the function above, from TensorFlow 2's and TensorFlow 1's function; these may be the same."""

REFUSED = {
    "contrib": "TensorFlow has it no longer",
    "get_variable": "it would create a parameter that belongs to no layer and to no checkpoint",
    "layers": "they would create parameters that belong to no layer and to no checkpoint",
    "train.get_global_step": "expected self.network.global_train_step",
    "train.get_or_create_global_step": "expected self.network.global_train_step",
    "placeholder": "expected a source in 'from'",
    "Session": "code in a network is compiled with it",
}
"""Name in `tf` → reason why code in a net dict cannot use it."""
