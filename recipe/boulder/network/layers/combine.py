"""`combine`: sum, product, … of the sources; `eval`: any expression of the sources. Sources are broadcast."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from boulder.errors import NetworkError
from boulder.lazy import TFTensor, tf
from boulder.network import activations
from boulder.network.axes import BATCH, FEATURE, OUTER, TIME, Axis, Batch
from boulder.network.code.expression import evaluated, problem_of
from boulder.network.common_axes import aligned, broadcast_axes, static_size
from boulder.network.layer import Layer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.out_type import OutType, read_out_type
from boulder.network.site import Site
from boulder.network.template import Template, broadcast
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import SCALED, activates, factor_between, factor_of, is_one_by_one

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
    "logical_xor": lambda a, b: tf.math.logical_xor(a, b),
    "squared_difference": lambda a, b: tf.math.squared_difference(a, b),
    "logaddexp": lambda a, b: tf.maximum(a, b) + tf.math.log1p(tf.exp(-tf.abs(a - b))),
    "atan2": lambda a, b: tf.atan2(a, b),
    "divide_no_nan": lambda a, b: tf.math.divide_no_nan(a, b),
    "multiply_no_nan": lambda a, b: tf.math.multiply_no_nan(a, b),
}
_SAME = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "truediv",
    "//": "floordiv",
    "subtract": "sub",
    "multiply": "mul",
    "divide": "truediv",
    "floormod": "mod",
}
"""other names of kinds"""
_MAY_BE_INFINITE = ("truediv", "floordiv", "mod", "pow", "atan2")
_FLOATS = ("average", "truediv", "logaddexp", "atan2", "divide_no_nan", "multiply_no_nan")


@dataclass(frozen=True, kw_only=True)
class _Elementwise(Layer):
    """
    Parameter: b [features], with `with_bias`.

    :param activation: function of the result, see `boulder.network.activations`
    :param with_bias: add b to the result, before the activation
    :param allow_broadcast_all_sources: False: a source must have all axes of the others; True: time axes of one data
        stream, such as frames and pooled frames, may be different axes of the result, as with `out_shape`
    :param eval: as in the class `eval`
    :param eval_locals: additional names in the scope of `eval`
    :param out_type: what the result is where it differs from the broadcast of the sources: {"dim": …, "dtype": …,
        "sparse": …}; or its axes by "shape", without the batch and with None for time axes, "batch_dim_axis",
        "time_dim_axis" and "feature_dim_axis"; or a function of `sources`, `name`, … that returns a Data. A None is a time
        axis of `size_target` or of the sources, in their order
    :param size_target: data stream whose time axis `out_type` refers to. Without sources, `out_type` has a "shape"
    """

    some_sources_suffice = True
    refused: ClassVar[Mapping[str, str]] = {
        "eval_for_output_loss": "a loss is no layer; expected 'eval' of layers with loss 'as_is'"
    }

    activation: str | None = None
    with_bias: bool = False
    allow_broadcast_all_sources: bool | None = None
    eval: str | Callable | None = None
    eval_locals: dict | None = None
    out_type: dict | Callable | None = None
    size_target: str | None = None

    def dependencies(self, mode: str) -> tuple[str, ...]:
        return (*self.source_names(), *([f"data:{self.size_target}"] if self._has_size_target(mode) else []))

    @property
    def may_be_infinite(self) -> bool:
        """:return: True for code, but for a number times a source"""
        return (self.eval is not None and factor_of(self.eval) is None) or super().may_be_infinite

    @property
    def reads_out_type(self) -> bool:  # type: ignore[override]  # it depends on the options
        return self.eval is not None

    def _has_size_target(self, mode: str) -> bool:
        """:return: whether the last source only gives its time axis. A search has no targets"""
        return self.size_target is not None and self.eval is not None and mode != "search"

    def spec(self, site: Site) -> Template:
        sources, size_target = site.sources, None
        if self._has_size_target(site.mode):
            *sources, (_, target) = sources
            size_target = target.time
            site = replace(site, sources=sources)
        if not sources and (self.eval is None or self.out_type is None):
            raise site.fail("needs a source in 'from', or 'eval' with 'out_type' that says what the result is")
        if isinstance(self.eval, str) and (problem := problem_of(self.eval, self.eval_locals or {})):
            raise site.fail(f"'eval' {problem}")
        with site.naming_sources():
            template = self._broadcast([template for _, template in sources])
        if self.eval is not None:
            template = self._promised(template, site, size_target).template
        if self.with_bias:
            site.param("b", (site.dense_dim(template),), 0.0)
        activations.check(self.activation, template, site.where)
        return template

    def _finished(self, run: LayerRun, y: Tensor) -> Tensor:
        """:return: `y` after the bias and the activation"""
        if self.with_bias:
            y = y.feature_last().mapped(lambda value: value + run.param("b"))
        return y.activated(self.activation)

    def _broadcast(self, sources: Sequence[Template]) -> Template:
        if not sources:
            return Template(())
        apart = self.allow_broadcast_all_sources or self.out_type is not None or self.out_shape is not None
        result = broadcast(sources, apart=apart)
        if self.allow_broadcast_all_sources is False and all(len(t.axes) < len(result.axes) for t in sources):
            raise NetworkError(f"'allow_broadcast_all_sources' is False, but no source has all axes of {result}")
        return result

    def _promised(self, template: Template, site: Site, size_target: Axis | None) -> OutType:
        """
        :param template: the broadcast of the sources
        :param size_target: time axis of the option `size_target`
        """
        return read_out_type(self.out_type, self.n_out, template, site, size_target)

    def guess(self, site: Site) -> Template | None:
        if not site.sources and isinstance(self.out_type, dict) and self.out_type.get("shape") is not None:
            return self._promised(Template((Batch,)), site, None).template
        return super().guess(site)

    def evaluate(self, run: LayerRun, sources: Sequence[Tensor], function: str | Callable) -> Tensor:
        """
        :return: the layer's output, computed by `function`, the option `eval`
        :raises NetworkError: if the result contradicts the template of the spec half
        """
        own = sources[: len(self.source_names())]
        size_target = sources[-1].template.time if len(own) < len(sources) else None
        site = self.site(run, *own)
        promised = self._promised(self._broadcast([x.template for x in own]), site, size_target)
        names = dict(zip(promised.template.axes, run.template.axes, strict=True))  # of `Dim`s, which the spec half adds
        order = promised.order
        if order is not None:
            order = tuple(names.get(axis, axis) for axis in order)
            if Batch not in order:  # there is at most the axis of a loop
                order = (*(axis for axis in run.template.axes if axis.kind in OUTER), *order)
        value, source = evaluated(function, self.eval_locals, run, own, order)
        axes = source.axes
        if order is None:
            axes = tuple(axis for axis in axes if axis.kind != FEATURE)
            axes = (*axes, run.template.feature) if run.template.feature else axes
            if source.batch_major:
                axes = tuple(sorted(axes, key=lambda axis: axis.kind != BATCH))
        value = self._checked(run, value, axes, source.tensors)
        if order is not None:
            value = self._with_sizes_checked(run, value, axes)
        value, axes = source.outer.split(value, axes)
        result = own[0].made(value, axes, run.template) if own else run.tensor(value, axes, run.template)
        return self._finished(run, result)

    def _checked(self, run: LayerRun, value: TFTensor, axes: Sequence[Axis], sources: Sequence[Tensor]) -> TFTensor:
        """:param axes: the expected axes of `value`"""
        sizes = [static_size(axis, sources) for axis in axes]
        fits = value.dtype.name == run.template.dtype and value.shape.rank in (None, len(axes))
        if fits and value.shape.rank is None:
            value = tf.ensure_shape(value, sizes)
        # a known size where the sources have an unknown one means that an axis was reduced
        if not fits or any(got not in (None, want) for want, got in zip(sizes, value.shape, strict=True)):
            expected = ", ".join(f"{axis}" for axis in axes)
            raise NetworkError(
                f"{run.where}: the result is {value.dtype.name} of shape {value.shape}, but the network was planned with "
                f"{run.template.dtype} [{expected}]; declare the result in 'out_type', e.g. {{'dim': 5, 'dtype': 'int32'}}"
            )
        return value

    @staticmethod
    def _with_sizes_checked(run: LayerRun, value: TFTensor, axes: Sequence[Axis]) -> TFTensor:
        """Fails, at the latest in the first step, if the axes that `out_type` gives have other sizes than the result's."""
        checks = []
        for position, axis in enumerate(axes):
            dynamic = axis.kind == TIME and axis.size is None
            if dynamic or (axis.size is not None and value.shape[position] is None):
                message = f"{run.where}: the result has another size along {axis} than 'out_type' says"
                size = run.frames(axis) if dynamic else axis.size
                checks.append(tf.debugging.assert_equal(tf.shape(value)[position], size, message))
        with tf.control_dependencies([check for check in checks if check is not None]):  # None: without a graph
            value = tf.identity(value)
        return tf.ensure_shape(value, [axis.size for axis in axes])

    def widening(self, w: Widening) -> None:
        if new := [source.key for source in w.sources if source.key not in w.old_sources]:
            raise w.refuse(
                f"reads {', '.join(map(repr, new))} in addition; 'deepen' begins a new residual branch with 0"
            )
        w.check_read(w.sources)
        if isinstance(self.eval, str) and self.eval != w.old_layer.eval:
            factor = factor_between(w.old_layer.eval, self.eval)
            if factor is None:
                raise w.refuse(f"has another 'eval', {self.eval!r:.60}, than before, {w.old_layer.eval!r:.60}")
            w.multiply(w.sources, None, factor, f"is {self.eval!r:.60}, not {w.old_layer.eval!r:.60} as before")
        if self.eval is not None and not is_one_by_one(self.eval):
            w.unchanged()
            return
        for source in w.sources:
            w.tie_axes(source)
        activates(w, self.activation)
        w.param("b", w.output.feature)
        if self.activation in SCALED and not self.with_bias:
            self._state_factors(w)

    def _state_factors(self, w: Widening) -> None:
        """States how the sources must be multiplied for the output to be multiplied."""
        if factor_of(self.eval) is not None and len(w.sources) == 1:
            w.multiplied_with(w.sources)


@layer_class("eval")
@dataclass(frozen=True, kw_only=True)
class Eval(_Elementwise):
    """The value of an expression of the sources, or the result of a function of them. RETURNN: EvalLayer.

    The code sees the batch, the frames of a loop around it and the hypotheses of a search as one axis, the batch.

    :param eval: an expression such as "tf.nn.relu(source(0)) * source(1)", or a function of `source` and optionally
        `self`; `boulder.network.code` documents the names in its scope
    """

    refused: ClassVar[Mapping[str, str]] = {"kind": "the class says it; expected no 'kind', or class 'combine'"}

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
        "squared_difference", "average", "eval", "logical_xor", "logaddexp", "atan2", "divide_no_nan", "multiply_no_nan",
        "+", "-", "*", "/", "//", "subtract", "multiply", "divide", "floormod",
    ]  # fmt: skip

    def spec(self, site: Site) -> Template:
        if (self.kind == "eval") != (self.eval is not None):
            raise site.fail("option 'eval' and kind 'eval' must be given together")
        if self.kind != "eval":
            if self.eval_locals:
                raise site.fail(f"option 'eval_locals' needs kind 'eval', found kind {self.kind!r}")
            self._check_types(site)
        return super().spec(site)

    def _state_factors(self, w: Widening) -> None:
        if self.operation in ("add", "sub", "average", "maximum", "minimum"):
            w.multiplied_with(w.sources)
        elif self.operation == "mul":
            w.multiplied_with(w.sources, every=False)
        else:
            super()._state_factors(w)

    @property
    def operation(self) -> str:
        """:return: the first of the names of `kind`"""
        return _SAME.get(self.kind, self.kind)

    @property
    def may_be_infinite(self) -> bool:
        return self.operation in _MAY_BE_INFINITE or super().may_be_infinite

    def _check_types(self, site: Site) -> None:
        for name, template in site.sources:
            first = site.sources[0][1]
            if template.dtype != first.dtype:
                raise site.fail(
                    f"its sources must have one dtype, found {first.dtype} and, from {name!r}, {template.dtype}"
                )
            if (template.dtype == "bool") != self.kind.startswith("logical_"):
                raise site.fail(f"kind {self.kind!r} does not apply to {template.dtype}, the dtype of {name!r}")
            if self.operation in _FLOATS and not template.dtype.startswith("float"):
                raise site.fail(f"kind {self.kind!r} needs float values, but {name!r} is {template}")

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        if self.eval is not None:
            return self.evaluate(run, sources, self.eval)
        values, axes = aligned(sources), broadcast_axes(sources)
        result = values[0]
        for value in values[1:]:
            result = _KINDS["add" if self.kind == "average" else self.operation](result, value)
        result = result / len(values) if self.kind == "average" else result
        return self._finished(run, sources[0].made(result, axes, run.template))
