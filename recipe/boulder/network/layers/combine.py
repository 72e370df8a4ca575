"""`combine`: sum, product, … of the sources; `eval`: any expression of the sources. Sources are broadcast."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import numpy

from boulder.errors import NetworkError
from boulder.lazy import TFTensor, tf
from boulder.network import activations
from boulder.network.aligning import aligned, broadcast_axes, static_size
from boulder.network.axes import BATCH, BEAM, FEATURE, LOOP
from boulder.network.code.expression import evaluated
from boulder.network.in_padding import InPadding
from boulder.network.layer import Layer, Site, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.template import DTYPES, Template, broadcast
from boulder.network.tensor import Tensor

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
    """
    :param activation: function of the result, see `boulder.network.activations`
    :param allow_broadcast_all_sources: has no effect: sources are always broadcast
    :param eval: as in the class `eval`
    :param eval_locals: additional names in the scope of `eval`
    :param out_type: {"dim": …, "dtype": …, "sparse": …} where they differ from the sources
    """

    some_sources_suffice = True

    activation: str | None = None
    allow_broadcast_all_sources: bool = True
    eval: str | Callable | None = None
    eval_locals: dict | None = None
    out_type: dict | None = None

    def spec(self, site: Site) -> Template:
        if not site.sources:
            raise site.fail("needs a source in 'from'")
        if isinstance(self.eval, str):
            try:
                compile(self.eval.strip(), f"layer {site.name}", "eval")
            except (SyntaxError, ValueError) as error:
                raise site.fail(
                    f"'eval' is not an expression: {getattr(error, 'msg', error)} in {self.eval!r}"
                ) from None
        with site.naming_sources():
            template = broadcast([template for _, template in site.sources])
        if self.eval is not None:
            template = self._promised(template, site)
        activations.check(self.activation, template, site.where)
        return template

    def _promised(self, template: Template, site: Site) -> Template:
        """
        :param template: the broadcast of the sources
        :return: the output's template, with 'out_type' and 'n_out' applied
        """
        out_type = self.out_type or {}
        for option in out_type:
            if option not in ("dim", "dtype", "shape", "sparse"):
                raise site.fail(f"'out_type' takes the keys 'dim', 'dtype', 'shape' and 'sparse', found {option!r}")
        shape, dtype = out_type.get("shape"), out_type.get("dtype", template.dtype)
        sparse = out_type.get("sparse", template.sparse_dim is not None)
        if not isinstance(sparse, bool):
            raise site.fail(f"'sparse' in 'out_type' must be True or False, found {sparse!r}")
        if shape is not None and not isinstance(shape, tuple | list):
            raise site.fail(f"'shape' in 'out_type' must be a tuple such as (None, 5), found {shape!r}")
        dim = out_type.get("dim", shape[-1] if shape and not sparse else self.n_out)
        if dim is not None and (isinstance(dim, bool) or not isinstance(dim, int | numpy.integer) or dim < 1):
            raise site.fail(f"'dim' in 'out_type' must be an int of at least 1, found {dim!r}")
        if dtype not in DTYPES:
            raise site.fail(f"'dtype' in 'out_type' must be one of {', '.join(DTYPES)}, found {dtype!r}")
        dim = template.dim if dim is None else int(dim)
        if sparse:
            template = Template(tuple(axis for axis in template.axes if axis.kind != FEATURE), sparse_dim=dim)
        elif dim is not None:
            template = template.with_feature(dim)
        sizes = tuple(axis.size for axis in template.axes if axis.kind not in (BATCH, LOOP, BEAM))
        if shape is not None and tuple(shape) != sizes:
            raise site.fail(
                f"'shape' in 'out_type' must be {sizes}, since the sources give {template}, found {shape!r}"
            )
        return replace(template, dtype=dtype)

    def evaluate(self, run: LayerRun, sources: Sequence[Tensor], function: str | Callable) -> Tensor:
        """:return: the layer's output, computed by `function`, the option `eval`"""
        value, batch_major = evaluated(function, self.eval_locals, run, sources)
        return self.wrap(run, sources, value, batch_major)

    def wrap(self, run: LayerRun, sources: Sequence[Tensor], value: TFTensor, batch_major: bool = False) -> Tensor:
        """
        :param batch_major: whether the batch axis of `value` comes first, regardless of its position in the sources
        :return: `value` as the layer's output, after the activation
        :raises NetworkError: if `value` contradicts the template of the spec half
        """
        axes = tuple(axis for axis in broadcast_axes(sources) if axis.kind != FEATURE)
        if run.template.feature:
            axes = (*axes, run.template.feature)
        if batch_major:
            axes = tuple(sorted(axes, key=lambda axis: axis.kind != BATCH))
        sizes = [static_size(axis, sources) for axis in axes]
        fits = value.dtype.name == run.template.dtype and value.shape.rank in (None, len(axes))
        if fits and value.shape.rank is None:
            value = tf.ensure_shape(value, sizes)
        # a known size where the sources have an unknown one means that an axis was reduced
        if not fits or any(got not in (None, want) for want, got in zip(sizes, value.shape, strict=True)):
            expected = ", ".join(f"{axis}" for axis in axes)
            raise NetworkError(
                f"layer {run.name!r} ({self.class_name}): the result is {value.dtype.name} of shape {value.shape}, but the "
                f"network was planned with {run.template.dtype} [{expected}]; declare the result in 'out_type', "
                "e.g. {'dim': 5, 'dtype': 'int32'}"
            )
        return sources[0].made(value, axes, run.template).activated(self.activation)


@layer_class("eval")
@dataclass(frozen=True, kw_only=True)
class Eval(_Elementwise):
    """The value of an expression of the sources, or the result of a function of them. RETURNN: EvalLayer.

    :param eval: an expression such as "tf.nn.relu(source(0)) * source(1)", or a function of `source` and optionally
        `self`; `boulder.network.code` documents the names in its scope
    :param eval_locals: additional names in that scope
    :param out_type: {"dim": …, "dtype": …, "sparse": …} where they differ from the sources; "shape" is accepted for
        RETURNN's sake and checked
    """

    in_padding: ClassVar[InPadding] = InPadding.ZERO
    may_be_infinite = True

    eval: str | Callable = field()  # required: without field(), the inherited None would be the default

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        return self.evaluate(run, sources, self.eval)


@layer_class("combine")
@dataclass(frozen=True, kw_only=True)
class Combine(_Elementwise):
    """Sum, product, … of the sources, which are broadcast. RETURNN: CombineLayer.

    :param kind: operation, applied from left to right; "average" of all sources; "eval" evaluates the option `eval`
    """

    kind: Literal[
        "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "maximum", "minimum", "logical_and", "logical_or",
        "squared_difference", "average", "eval",
    ]  # fmt: skip

    def spec(self, site: Site) -> Template:
        if (self.kind == "eval") != (self.eval is not None):
            raise site.fail("option 'eval' and kind 'eval' must be given together")
        if self.kind != "eval":
            for option in ("eval_locals", "out_type"):
                if getattr(self, option):
                    raise site.fail(f"option {option!r} needs kind 'eval', found kind {self.kind!r}")
            self._check_types(site)
        return super().spec(site)

    @property
    def may_be_infinite(self) -> bool:
        return self.kind in ("truediv", "floordiv", "mod", "pow", "eval") or super().may_be_infinite

    def _check_types(self, site: Site) -> None:
        for name, template in site.sources:
            first = site.sources[0][1]
            if template.dtype != first.dtype:
                raise site.fail(
                    f"its sources must have one dtype, found {first.dtype} and, from {name!r}, {template.dtype}"
                )
            if (template.dtype == "bool") != self.kind.startswith("logical_"):
                raise site.fail(f"kind {self.kind!r} does not apply to {template.dtype}, the dtype of {name!r}")
            if self.kind in ("average", "truediv") and not template.dtype.startswith("float"):
                raise site.fail(f"kind {self.kind!r} needs float values, but {name!r} is {template}")

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        if self.eval is not None:
            return self.evaluate(run, sources, self.eval)
        values = aligned(sources)
        if self.kind == "average":
            return self.wrap(run, sources, sum(values[1:], start=values[0]) / len(values))
        result = values[0]
        for value in values[1:]:
            result = _KINDS[self.kind](result, value)
        return self.wrap(run, sources, result)
