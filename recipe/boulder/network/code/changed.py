"""Functions of TensorFlow whose meaning, or whose arguments' order, is another than when published configs were written.

Each takes what TensorFlow 2's takes. What that would refuse, or take for something else, means what it meant before.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable

from boulder.errors import NetworkError
from boulder.network.code.random_numbers import drawn_dropout
from boulder.network.code.running import running_code


def either(new: Callable, old: Callable) -> Callable:
    """
    :param new: TensorFlow 2's, where its signature fits a call
    :param old: TensorFlow 1's of the same name, where only its own does: `keep_dims`, `dim`, `dimension`, `fn1`, …
    """
    signatures = _signature(new), _signature(old)
    if None in signatures or signatures[0] == signatures[1]:
        return new

    @functools.wraps(new)
    def call(*args, **kwargs):
        fits = [_fits(signature, args, kwargs) for signature in signatures]
        return (old if fits == [False, True] else new)(*args, **kwargs)

    return call


def _signature(function: Callable) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):  # a class of C++'s
        return None


def _fits(signature: inspect.Signature, args: tuple, kwargs: dict) -> bool:
    try:
        signature.bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def where(new, old):
    """A condition [B] chooses whole rows of [B, …] in TensorFlow 1; in 2 it would be broadcast along the last axis."""

    @functools.wraps(new)
    def call(condition, x=None, y=None, name=None):
        ranks = [getattr(getattr(value, "shape", None), "rank", None) for value in (condition, x, y)]
        rows = ranks[0] == 1 and ranks[1] == ranks[2] and (ranks[1] or 0) > 1
        if rows and condition.shape.is_compatible_with(x.shape[:1]):
            return old(condition, x, y, name)
        return new(condition, x, y, name)

    return call


def concat(new, _old):
    """`tf.concat(1, [a, b])` was the order before TensorFlow 1.0."""

    @functools.wraps(new)
    def call(values=None, axis=None, name="concat", concat_dim=None):
        if isinstance(values, int):
            values, axis = axis, values
        return new(values, concat_dim if axis is None else axis, name=name)

    return call


def split(new, _old):
    """`tf.split(1, 2, x)`, also by `split_dim` and `num_split`, was the order before TensorFlow 1.0."""

    @functools.wraps(new)
    def call(value, num_or_size_splits=None, axis=0, num=None, name="split", num_split=None, split_dim=None):
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


def cond(new, old):
    """`tf.cond(True, f, g)`, with a bool of Python's as a network's train flag may be, is `f()`."""
    call_either = either(new, old)

    @functools.wraps(new)
    def call(pred, *args, **kwargs):
        if not isinstance(pred, bool):
            return call_either(pred, *args, **kwargs)
        given = dict(zip(("true_fn", "false_fn"), args, strict=False)) | kwargs
        return (given.get("true_fn") or given.get("fn1") if pred else given.get("false_fn") or given.get("fn2"))()

    return call


def dropout(new, old):
    """The second argument is what to keep in TensorFlow 1, what to drop in 2: it must be told by name."""
    if new is old:  # code asks for tf.compat.v1
        return drawn_dropout(old, ("x", "keep_prob", "noise_shape", "seed", "name"))
    by_name = drawn_dropout(either(new, old), ("x",))

    @functools.wraps(new)
    def call(x, *args, **kwargs):
        if args:
            raise NetworkError(
                "tf.nn.dropout: found a second argument without a name, expected keep_prob=…, which it is in "
                "TensorFlow 1, or rate=…, which it is in 2"
            )
        return by_name(x, **kwargs)

    return call


def while_loop(new, _old):
    """Random numbers are others in each iteration. As in TensorFlow 2, a list of one variable gives a list of one."""
    same_structure = "return_same_structure" not in inspect.signature(new).parameters

    @functools.wraps(new)
    def call(cond, body, loop_vars, shape_invariants=None, *args, return_same_structure=same_structure, **kwargs):
        code = running_code()
        loop_vars = loop_vars if isinstance(loop_vars, list | tuple) else [loop_vars]
        if shape_invariants is not None:
            shape_invariants = (_tf().TensorShape([]), *shape_invariants)

        def counted(iteration, *values):
            if code is None:
                result = body(*values)
            else:
                with code.iteration(iteration):
                    result = body(*values)
            is_all = isinstance(result, list | tuple) and len(result) == len(loop_vars)
            return (iteration + 1, *(result if is_all else (result,)))

        first = _tf().constant(0, _tf().int64)
        _, *values = new(
            lambda _iteration, *values: cond(*values), counted, (first, *loop_vars), shape_invariants, *args, **kwargs
        )
        if len(values) == 1 and not return_same_structure:
            return values[0]
        return loop_vars._make(values) if hasattr(loop_vars, "_make") else type(loop_vars)(values)

    return call


def map_fn(new, _old):
    """Random numbers are others for each element."""

    @functools.wraps(new)
    def call(fn, elems, dtype=None, *args, fn_output_signature=None, **kwargs):
        tf, code = _tf(), running_code()
        if code is None:
            return new(fn, elems, dtype, *args, fn_output_signature=fn_output_signature, **kwargs)
        elems = tf.nest.map_structure(tf.convert_to_tensor, elems)
        signature = dtype if fn_output_signature is None else fn_output_signature
        if signature is None:
            signature = tf.nest.map_structure(lambda value: value.dtype, elems)

        def counted(pair):
            with code.iteration(pair[1]):
                return fn(pair[0])

        numbers = tf.range(tf.shape(tf.nest.flatten(elems)[0])[0])
        return new(counted, (elems, numbers), None, *args, fn_output_signature=signature, **kwargs)

    return call


def function(new, _old):
    """What a layer calls is compiled with the network, once for training and once for evaluation."""

    @functools.wraps(new)
    def call(func=None, *args, **kwargs):
        if func is None:
            return lambda func: call(func, *args, **kwargs)
        compiled = new(func, *args, **kwargs)

        @functools.wraps(func)
        def traced(*call_args, **call_kwargs):
            anew = compiled if running_code() is None else new(func, *args, **kwargs)
            return anew(*call_args, **call_kwargs)

        return traced

    return call


CHANGED = {
    "where": where,
    "concat": concat,
    "split": split,
    "cond": cond,
    "nn.dropout": dropout,
    "while_loop": while_loop,
    "map_fn": map_fn,
    "function": function,
}
"""Name in `tf` → function of TensorFlow 2's and TensorFlow 1's; the latter may be the former."""

REFUSED = {
    "contrib": "TensorFlow has it no longer",
    "get_variable": "it would be a parameter that no layer has, and no checkpoint",
    "layers": "they would make parameters that no layer of the network has, and no checkpoint",
    "train.get_global_step": "expected self.network.global_train_step",
    "train.get_or_create_global_step": "expected self.network.global_train_step",
    "placeholder": "expected a source in 'from'",
    "Session": "code in a network is compiled with it",
}
"""Name in `tf` → why code in a net dict cannot have it."""


def _tf():
    from boulder.lazy import tf

    return tf
