"""`gating`: gated linear unit; one half of the features gates the other."""

from dataclasses import dataclass

from boulder.lazy import tf
from boulder.network import activations
from boulder.network.axes import FEATURE
from boulder.network.concat_layer import ConcatLayer
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.units import Joined
from boulder.network.widening.ways import activates


@layer_class("gating")
@dataclass(frozen=True, kw_only=True)
class Gating(ConcatLayer):
    """y = activation(a) · gate_activation(b) for the input [a; b]. Dauphin et al. 2017. RETURNN: GatingLayer.

    :param activation: activation function of the first half
    :param gate_activation: activation function of the second half
    """

    activation: str | None
    gate_activation: str | None = "sigmoid"

    def spec(self, site: Site) -> Template:
        template = site.input()
        size = site.dense_dim(template)
        if size % 2:
            raise site.fail(f"needs an even number of features, but its input is {template}")
        output = template.with_feature(size // 2)
        for name in (self.activation, self.gate_activation):
            activations.check(name, output, site.where)
        return output

    def widening(self, w: Widening) -> None:
        x = w.input()
        w.tie_axes(x, [x.new.required(FEATURE)])
        if w.output.feature is not None:
            w.tie(x.feature, Joined.of(w.output.feature, w.output.feature))
        for name in (self.activation, self.gate_activation):
            activates(w, name)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources).feature_last()
        values, gates = tf.split(x.value, 2, axis=-1)
        y = activations.apply(self.activation, values) * activations.apply(self.gate_activation, gates)
        return x.made(y, (*x.axes[:-1], run.template.required(FEATURE)), run.template)
