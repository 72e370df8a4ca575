"""TensorFlow 1's LSTMCell with peepholes, clipping and a projection (Sak et al. 2014).

c_t = σ(f + w_f_diag·c_{t-1} + forget_bias)·c_{t-1} + σ(i + w_i_diag·c_{t-1})·tanh(z)
h_t = (σ(o + w_o_diag·c_t)·tanh(c_t))·projection/kernel
"""

from __future__ import annotations

from dataclasses import dataclass

from boulder.lazy import TFTensor, tf
from boulder.network.layer_run import LayerRun
from boulder.network.precision import product
from boulder.network.site import Site
from boulder.network.units.block_order import BLOCK_LSTM
from boulder.network.units.context import UnitContext
from boulder.network.units.lstm import LstmWeights
from boulder.network.units.lstm_cell import LstmCell
from boulder.network.units.unit import Initializers, State


@dataclass(frozen=True, kw_only=True)
class StandardLstm(LstmCell):
    """TensorFlow's LSTM, with peepholes, clipping and a projection if asked for. TensorFlow: LSTMCell.

    :param use_peepholes: whether the gates see the cell
    :param cell_clip: largest absolute value of c
    :param num_proj: size of h; as in RETURNN, it must be that of c, `n_out`
    :param proj_clip: largest absolute value of h after the projection
    """

    use_peepholes: bool = False
    cell_clip: float | None = None
    num_proj: int | None = None
    proj_clip: float | None = None

    @property
    def is_fused(self) -> bool:
        return self.activation == "tanh" and not (self.use_peepholes or self.cell_clip or self.num_proj)

    def declare(self, site: Site, n_in: int, n: int, init: Initializers) -> None:
        if self.num_proj not in (None, n):
            raise site.fail(f"unit_opts: 'num_proj' must be 'n_out', {n}, found {self.num_proj}")
        for option in ("cell_clip", "proj_clip"):
            limit = getattr(self, option)
            if limit is not None and limit <= 0:
                raise site.fail(f"unit_opts: {option!r} must be above 0, found {limit}")
        if self.proj_clip and self.num_proj is None:
            raise site.fail("unit_opts: 'proj_clip' clips the projection, expected 'num_proj' beside it")
        super().declare(site, n_in, n, init)
        for gate in "fio" if self.use_peepholes else "":
            site.param(f"{self.name}/w_{gate}_diag", (n,), init.recurrent)
        if self.num_proj:
            splits = (site.whole(n), site.whole(n))
            site.param(f"{self.name}/projection/kernel", (n, n), init.recurrent, splits=splits)

    def weights(self, run: LayerRun) -> LstmWeights:
        peepholes = tuple(run.param(f"{self.name}/w_{gate}_diag") for gate in "ifo" if self.use_peepholes)
        projection = run.param(f"{self.name}/projection/kernel") if self.num_proj else None
        return super().weights(run)._replace(peepholes=peepholes, projection=projection)

    def step(self, weights: LstmWeights, z: TFTensor, state: State, context: UnitContext) -> State:
        blocks = tf.split(z + product(tf.matmul, state["h"], weights.recurrent), 4, axis=-1)
        i, cell_in, f, o = (blocks[self.gates.index(gate)] for gate in BLOCK_LSTM)
        if weights.peepholes:
            i, f = i + weights.peepholes[0] * state["c"], f + weights.peepholes[1] * state["c"]
        c = tf.sigmoid(f + self.forget_bias) * state["c"] + tf.sigmoid(i) * self.squashed(cell_in)
        if self.cell_clip:
            c = tf.clip_by_value(c, -self.cell_clip, self.cell_clip)
        if weights.peepholes:
            o += weights.peepholes[2] * c
        h = tf.sigmoid(o) * self.squashed(c)
        if weights.projection is not None:
            h = product(tf.matmul, h, weights.projection)
            h = tf.clip_by_value(h, -self.proj_clip, self.proj_clip) if self.proj_clip else h
        return {"c": c, "h": h}
