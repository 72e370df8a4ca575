"""`combine`: the sources added, multiplied, …; `eval`: any expression of the sources."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from boulder.errors import NetworkError
from boulder.lazy import tf
from boulder.network import activations
from boulder.network.layer import Layer, Site, layer_class
from boulder.network.template import Template, broadcast

_KINDS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "truediv": lambda a, b: a / b,
    "floordiv": lambda a, b: a // b,
    "mod": lambda a, b: a % b,
    "pow": lambda a, b: a**b,
    "maximum": lambda a, b: tf.maximum(a, b),
    "minimum": lambda a, b: tf.minimum(a, b),
    "logical_and": lambda a, b: tf.logical_and(a, b),
    "logical_or": lambda a, b: tf.logical_or(a, b),
    "squared_difference": lambda a, b: tf.math.squared_difference(a, b),
}


@dataclass(frozen=True, kw_only=True)
class _Elementwise(Layer):
    activation: str | None = None
    eval: str | Callable | None = None
    eval_locals: dict = field(default_factory=dict)
    out_type: dict | None = None

    def spec(self, site: Site) -> Template:
        activations.check(self.activation, site.where)
        if not site.sources:
            raise site.fail("needs a source in 'from'")
        try:
            template = broadcast([template for _, template in site.sources])
        except NetworkError as error:
            raise site.fail(str(error)) from None
        out_type = dict(self.out_type or {})
        dim, dtype = out_type.pop("dim", None), out_type.pop("dtype", template.dtype)
        if out_type:
            raise site.fail(f"'out_type' may say 'dim' and 'dtype', found {', '.join(map(repr, sorted(out_type)))}")
        if dim is not None:
            template = template.with_feature(dim)
        if self.n_out is not None and self.n_out != template.dim:
            raise site.fail(f"'n_out' is {self.n_out}, but the sources have {template.dim}; say it in 'out_type'")
        return Template(template.axes, dtype, template.sparse_dim)

    def evaluate(self, run, values: list):
        """:return: `eval`, a string or a function, of the sources' values; both see `source(i)`"""

        def source(index: int):
            return values[index]

        if callable(self.eval):
            return self.eval(source=source, **self.eval_locals)
        return eval(self.eval, {"tf": tf}, {"source": source, **self.eval_locals})  # a config is trusted code (README)

    def wrap(self, run, sources, value):
        """:return: `value` as this layer's output, after a look at what the spec half promised"""
        axes = run.broadcast_axes(sources)
        expected = [run.template.feature.size if axis.kind == "feature" else axis.size for axis in axes]
        value = tf.convert_to_tensor(value)
        if value.shape.rank != len(axes) or value.dtype.name != run.template.dtype:
            fits = False
        else:
            fits = all(want in (None, got) or got is None for want, got in zip(expected, value.shape, strict=True))
        if not fits:
            raise NetworkError(
                f"layer {run.name!r} ({self.class_name}): the result is {value.dtype.name} of shape {value.shape}, but the "
                f"network was planned with {run.template}; say what it is in 'out_type', e.g. {{'dim': {value.shape[-1]}}}"
            )
        axes = tuple(run.template.feature if axis.kind == "feature" else axis for axis in axes)
        return sources[0].made(value, axes, run.template).activated(self.activation)


@layer_class("eval")
@dataclass(frozen=True, kw_only=True)
class Eval(_Elementwise):
    """
    :param eval: e.g. "tf.nn.relu(source(0)) * source(1)", or a function that takes `source`
    :param eval_locals: further names for it
    :param out_type: {"dim": …, "dtype": …} where the result is not of the sources' own shape
    """

    eval: str | Callable

    def spec(self, site: Site) -> Template:
        if isinstance(self.eval, str):
            try:
                compile(self.eval, f"layer {site.name}", "eval")
            except SyntaxError as error:
                raise site.fail(f"'eval' is no expression: {error.msg} in {self.eval!r}") from None
        return super().spec(site)

    def compute(self, run, *sources):
        return self.wrap(run, sources, self.evaluate(run, run.aligned(sources)))


@layer_class("combine")
@dataclass(frozen=True, kw_only=True)
class Combine(_Elementwise):
    """
    :param kind: the operation, applied from left to right; "average" of all; "eval" evaluates the option `eval`
    """

    kind: Literal[
        "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "maximum", "minimum", "logical_and", "logical_or",
        "squared_difference", "average", "eval",
    ]  # fmt: skip

    def spec(self, site: Site) -> Template:
        if (self.kind == "eval") != (self.eval is not None):
            raise site.fail("option 'eval' goes with kind 'eval', and the one without the other says nothing")
        return super().spec(site)

    def compute(self, run, *sources):
        values = run.aligned(sources)
        if self.kind == "eval":
            return self.wrap(run, sources, self.evaluate(run, values))
        if self.kind == "average":
            return self.wrap(run, sources, sum(values[1:], start=values[0]) / len(values))
        result = values[0]
        for value in values[1:]:
            result = _KINDS[self.kind](result, value)
        return self.wrap(run, sources, result)
