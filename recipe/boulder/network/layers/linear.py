"""`linear`: dense layer, or embedding lookup for class indices.

`hidden` and `forward` are older names of `linear`.
"""

from dataclasses import dataclass

from boulder.lazy import TFTensor, tf
from boulder.network import activations
from boulder.network.axes import FEATURE
from boulder.network.concat_layer import ConcatLayer
from boulder.network.gradient_filter import filtered
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.precision import product
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import SCALED, activates


@layer_class("linear")
@dataclass(frozen=True, kw_only=True)
class Linear(ConcatLayer):
    """y = activation(x·W + b). For class indices, x·W is the row x of W. RETURNN: LinearLayer.

    Parameters: W [input, n_out], or [n_out, input] with `use_transposed_weights`, and b [n_out].

    :param activation: see `boulder.network.activations`
    :param with_bias: add b
    :param forward_weights_init: initializer of W
    :param bias_init: initializer of b
    :param grad_filter: largest square of an entry of the gradient before the activation; the gradient of a sequence with a larger
        one is 0
    :param use_transposed_weights: W has the shape of the W of an embedding of the outputs, so that they can share it
    """

    activation: str | None = None
    with_bias: bool = True
    forward_weights_init: str | float | dict = "glorot_uniform"
    bias_init: str | float | dict = 0.0
    use_transposed_weights: bool = False
    grad_filter: float | None = None

    def spec(self, site: Site) -> Template:
        template = site.input()
        n_in = template.sparse_dim or site.dense_dim(template)
        n_out = site.out_dim()
        if self.grad_filter is not None and self.grad_filter < 0:
            raise site.fail(f"'grad_filter' must be 0 or more, found {self.grad_filter}")
        rows = site.input_parts()
        known = all(part.size for part in rows) and sum(part.size for part in rows) == n_in
        order = -1 if self.use_transposed_weights else 1
        site.param(
            "W",
            (n_in, n_out)[::order],
            self.forward_weights_init,
            splits=(rows, site.whole(n_out))[::order] if known else (),
            returnn_splits=(tuple(part.size for part in rows), (n_out,))[::order] if known else None,
        )
        if self.with_bias:
            site.param("b", (n_out,), self.bias_init)
        output = template.with_feature(n_out)
        activations.check(self.activation, output, site.where)
        return output

    def widening(self, w: Widening) -> None:
        x, out = w.input(), w.output.feature
        w.tie_axes(x, [axis for axis in x.new.axes if axis.kind == FEATURE])
        rows = w.rows("W", 1 if self.use_transposed_weights else 0, x) if x.feature is not None else None
        w.param("W", *((rows, out)[:: -1 if self.use_transposed_weights else 1]))
        w.param("b", out)
        w.own(out)
        activates(w, self.activation)
        if self.activation in SCALED:
            w.scalable("W", 0 if self.use_transposed_weights else 1)
            w.scalable("b", 0)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources)
        matrix = tf.transpose(run.param("W")) if self.use_transposed_weights else run.param("W")
        bias = run.param("b") if self.with_bias else None
        y = (_embedded if x.template.sparse_dim else _projected)(x, matrix, bias, run.template)
        if self.grad_filter:
            y = filtered(y, self.grad_filter)
        return y.activated(self.activation)


def _embedded(x: Tensor, table: TFTensor, bias: TFTensor, template: Template) -> Tensor:
    """:return: the rows of `table` [classes, n] at the class indices `x`, plus `bias` [n], if it is not None"""
    value = tf.gather(table, x.value)
    value = value if bias is None else value + bias
    return Tensor(value, (*x.axes, template.required(FEATURE)), template)


def _projected(x: Tensor, matrix: TFTensor, bias: TFTensor, template: Template) -> Tensor:
    """:return: `x` · `matrix` [input, n] + `bias`, along the feature axis"""
    x = x.feature_last()
    n_in, n_out = matrix.shape
    outer = tf.shape(x.value)[:-1]
    value = product(tf.matmul, tf.reshape(x.value, [-1, n_in]), matrix)
    if bias is not None:
        value = tf.nn.bias_add(value, bias)  # which TensorFlow fuses with the product before it
    value = tf.reshape(value, tf.concat([outer, [n_out]], 0))
    value.set_shape([*x.value.shape[:-1], n_out])
    return Tensor(value, (*x.axes[:-1], template.required(FEATURE)), template)


@layer_class("hidden")
@dataclass(frozen=True, kw_only=True)
class Hidden(Linear):
    """The old name of `linear`. RETURNN: LinearLayer."""


@layer_class("forward")
@dataclass(frozen=True, kw_only=True)
class Forward(Linear):
    """Another old name of `linear`. RETURNN: LinearLayer."""
