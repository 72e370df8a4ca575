"""`twod_lstm`: an LSTM over two time axes (Bahar et al. 2018), such as those of a source and of a target sentence.

    i, f, λ, o, z = [x_s, y_t]·W_re + h_{t,s-1}·Vh_re + h_{t-1,s}·Vv_re
    c_{t,s} = σ(i)·tanh(z) + σ(f)·(σ(λ)·c_{t-1,s} + (1 - σ(λ))·c_{t,s-1})
    h_{t,s} = σ(o)·tanh(c_{t,s})

The output of each row t is a pooling of h_{t,s} over s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, NamedTuple

from boulder.lazy import TFTensor, tf
from boulder.network.axes import FEATURE, LOOP, SPATIAL, TIME, Axis
from boulder.network.layer import Layer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.params import Part
from boulder.network.precision import product
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor

GATES = ("input", "forget", "lambda", "output", "cell_in")
State = dict[str | None, Tensor]


class _Grid(NamedTuple):
    """
    What the rows share; N are all axes but the two time axes and the features.

    :param columns: [S, N, 5·n], projected input of each column
    :param inside: bool [S, N, 1], False for padding
    :param from_left: Vh_re
    :param from_above: Vv_re
    """

    columns: TFTensor
    inside: TFTensor
    from_left: TFTensor
    from_above: TFTensor

    def row(self, row: TFTensor, c: TFTensor, h: TFTensor) -> tuple[TFTensor, TFTensor]:
        """
        :param row: [N, 5·n], projected input of the row
        :param c: [S, N, n], of the row above
        :param h: [S, N, n], of the row above
        :return: c and h of the row, 0 in the padding
        """
        z = self.columns + row[None] + tf.tensordot(h, self.from_above, 1)

        def cell(left: tuple[TFTensor, TFTensor], here: tuple[TFTensor, ...]) -> tuple[TFTensor, TFTensor]:
            z, above, inside = here
            i, f, weight, o, cell_in = tf.split(z + product(tf.matmul, left[1], self.from_left), 5, axis=-1)
            weight = tf.sigmoid(weight)
            c = tf.sigmoid(i) * tf.tanh(cell_in) + tf.sigmoid(f) * (weight * above + (1 - weight) * left[0])
            return tf.where(inside, c, 0.0), tf.where(inside, tf.sigmoid(o) * tf.tanh(c), 0.0)

        first = tf.zeros(tf.shape(row) // [1, 5])
        # a further column, as `tf.scan` needs at least one
        c, h = tf.scan(cell, tuple(tf.pad(x, [[0, 1], [0, 0], [0, 0]]) for x in (z, c, self.inside)), (first, first))
        return c[:-1], h[:-1]


@layer_class("twod_lstm")
@dataclass(frozen=True, kw_only=True)
class TwoDLstm(Layer):
    """LSTM over the grid of the frames of two sources; the output has the frames of the second one. RETURNN: TwoDLSTMLayer.

    In a loop, the second source is a frame. The poolings leave out the padding; RETURNN's "max" and "weighted" do not.

    :param sources: `from`: a sequence, along which the output is pooled, and the rows
    :param pooling: over the first source: its last frame, the maximum, the mean, or a mean with weights softmax(y_t·W_att·h_{t,s})
    :param unit_opts: only {} or None
    :param recurrent_weights_init: initializer of the matrices; None: `forward_weights_init`
    :param forward_weights_init: in place of `recurrent_weights_init`; None: "glorot_uniform"
    :param bias_init: has no effect: there are no biases
    """

    differs_by_frame: ClassVar[bool] = True

    pooling: Literal["last", "max", "average", "weighted"] = "last"
    unit_opts: dict | None = None
    forward_weights_init: str | float | dict | None = None
    recurrent_weights_init: str | float | dict | None = None
    bias_init: str | float | dict | None = None

    def spec(self, site: Site) -> Template:
        if len(site.sources) != 2:
            raise site.fail(f"needs two sources in 'from', a sequence and the rows, found {len(site.sources)}")
        if self.unit_opts:
            raise site.fail(f"'unit_opts': the unit has no options, found {', '.join(map(repr, self.unit_opts))}")
        (name, columns), (of_rows, rows) = site.sources
        for source, template in site.sources:
            if template.feature is None or template.dtype != "float32" or template.axis(SPATIAL):
                raise site.fail(f"needs float32 vectors, but source {source!r} is {template}")
        if columns.time is None:
            raise site.fail(f"needs a time axis of its first source, but {name!r} is {columns}")
        if rows.time is None and site.loop is None:
            raise site.fail(f"needs a time axis of its second source, but {of_rows!r} is {rows}")
        if rows.time == columns.time:
            raise site.fail(f"needs two different time axes, but both sources have {rows.time}")
        n, sizes = site.out_dim(), [site.dense_dim(template) for template in (columns, rows)]
        gates = tuple(Part(gate, n) for gate in GATES)
        init = next(
            (x for x in (self.recurrent_weights_init, self.forward_weights_init) if x is not None), "glorot_uniform"
        )
        for matrix in ("Vh_re", "Vv_re"):
            site.param(f"rec-twod/{matrix}", (n, 5 * n), init, splits=(site.whole(n), gates))
        site.param(
            "rec-twod/W_re", (sum(sizes), 5 * n), init,
            splits=((Part(name, sizes[0]), Part(of_rows, sizes[1])), gates), returnn_splits=((sum(sizes),), (n,) * 5),
        )  # fmt: skip
        if self.pooling == "weighted":
            site.param("rec-twod/W_att", (sizes[1], n), init, splits=(site.whole(sizes[1]), site.whole(n)))
        others = [axis for axis in columns.axes if axis not in rows.axes and axis.kind not in (TIME, FEATURE)]
        return Template((*others, *rows.axes)).with_feature(n)

    # In a loop: the row of the previous frame

    def state(self, site: Site, output: Template) -> dict[str | None, Template]:
        if site.loop is None or output.time or site.loop in output.axes:
            return {}
        time = site.sources[0][1].required(TIME)
        return dict.fromkeys(("c", "h"), replace(output, axes=(*output.axes[:-1], time, output.required(FEATURE))))

    def step(self, run: LayerRun, state: State, *sources: Tensor) -> tuple[Tensor, State]:
        outer, (time, feature) = (
            run.template.axes[:-1],
            (sources[0].template.required(TIME), run.template.required(FEATURE)),
        )
        grid, rows = self._grid(run, sources, outer, None)
        above = {key: _merged(x.ordered((time, *outer, feature))) for key, x in state.items()}
        shape = tf.shape(state["h"].ordered((time, *outer, feature)))
        row = dict(zip(("c", "h"), grid.row(rows[0], above["c"], above["h"]), strict=True))
        y = self._pooled(run, row["h"], grid, sources[1], outer, None)
        template = state["h"].template
        last: State = {key: Tensor(tf.reshape(x, shape), (time, *outer, feature), template) for key, x in row.items()}
        return Tensor(tf.reshape(y, shape[1:]), run.template.axes, run.template), last

    # All rows

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        of_rows = sources[1].template
        rows = of_rows.time or next(axis for axis in of_rows.axes if axis.kind == LOOP)
        outer = tuple(axis for axis in run.template.axes if axis not in (rows, run.template.feature))
        grid, inputs = self._grid(run, sources, outer, rows)
        n = run.template.required(FEATURE).known_size
        first = tf.zeros(tf.concat([tf.shape(grid.columns)[:2], [n]], 0))
        inputs = tf.pad(inputs, [[0, 1], [0, 0], [0, 0]])  # likewise a further row
        _, h = tf.scan(lambda above, row: grid.row(row, *above), inputs, (first, first))  # [T + 1, S, N, n]
        y = self._pooled(run, h[:-1], grid, sources[1], outer, rows)
        shape = run.shape([rows, *outer])
        return Tensor(
            tf.reshape(y, tf.concat([shape, [n]], 0)), (rows, *outer, run.template.required(FEATURE)), run.template
        )

    def _grid(
        self, run: LayerRun, sources: Sequence[Tensor], outer: Sequence[Axis], rows: Axis | None
    ) -> tuple[_Grid, TFTensor]:
        """:return: the columns, and the projected input of each row, [T, N, 5·n], T = 1 without an axis of rows"""
        columns, of_rows = sources
        time, matrix = columns.template.required(TIME), run.param("rec-twod/W_re")
        x = _merged(run.broadcast_to(columns, (time, *outer)))
        y = run.broadcast_to(of_rows, outer if rows is None else (rows, *outer))
        y = _merged(y[None] if rows is None else y)
        lengths = tf.reshape(tf.broadcast_to(run.length_over(outer, time), run.shape(outer)), [-1])
        inside = tf.transpose(tf.sequence_mask(lengths, tf.shape(x)[0]))[..., None]
        size = x.shape[-1]
        grid = _Grid(
            tf.tensordot(x, matrix[:size], 1), inside, run.param("rec-twod/Vh_re"), run.param("rec-twod/Vv_re")
        )
        return grid, tf.tensordot(y, matrix[size:], 1)

    def _pooled(
        self, run: LayerRun, h: TFTensor, grid: _Grid, of_rows: Tensor, outer: Sequence[Axis], rows: Axis | None
    ) -> TFTensor:
        """
        :param h: [S, N, n], or [T, S, N, n] with an axis of rows
        :return: the same without S
        """
        inside = tf.broadcast_to(grid.inside, tf.shape(h))
        if self.pooling == "max":
            highest = tf.reduce_max(tf.where(inside, h, h.dtype.min), axis=-3)
            return tf.where(tf.reduce_any(inside, axis=-3), highest, 0.0)
        count = tf.reduce_sum(tf.cast(grid.inside, tf.float32), axis=0)  # [N, 1]
        if self.pooling == "average":
            return tf.reduce_sum(h, axis=-3) / tf.maximum(count, 1)
        if self.pooling == "last":
            last = tf.cast(tf.range(tf.shape(grid.inside)[0])[:, None, None], tf.float32) == count[None] - 1
            return tf.reduce_sum(tf.where(last, h, 0.0), axis=-3)
        y = (
            _merged(run.broadcast_to(of_rows, outer)[None])[0]
            if rows is None
            else _merged(run.broadcast_to(of_rows, (rows, *outer)))
        )
        energies = tf.reduce_sum(
            tf.expand_dims(tf.tensordot(y, run.param("rec-twod/W_att"), 1), -3) * h, axis=-1, keepdims=True
        )
        weights = tf.nn.softmax(tf.where(inside[..., :1], energies, energies.dtype.min), axis=-3)
        return tf.reduce_sum(weights * h, axis=-3)


def _merged(x: TFTensor) -> TFTensor:
    """
    :param x: [T, …, F]
    :return: [T, N, F]
    """
    return tf.reshape(x, [tf.shape(x)[0], -1, x.shape[-1]])
