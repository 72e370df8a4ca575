"""The context of a step of a recurrent unit, besides its weights, input and state."""

from __future__ import annotations

from dataclasses import dataclass, replace

from boulder.lazy import TFTensor, tf
from boulder.network.axes import FEATURE, LOOP, Axis
from boulder.network.layer_run import LayerRun
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@dataclass(frozen=True)
class UnitContext:
    """
    :param run: the layer of the unit
    :param rows: axes that are merged into the first dimension, N, of the unit's values, in their order
    :param frame: int32 scalar, number of the step, counted from 0; None where a whole sequence is computed at once
    """

    run: LayerRun
    rows: tuple[Axis, ...]
    frame: TFTensor = None

    @property
    def train(self) -> bool:
        return self.run.train

    def at(self, frame: TFTensor) -> UnitContext:
        """:return: context of one step of the sequence"""
        return replace(self, frame=frame)

    def uniform(self, purpose: str, n: int, *, every_frame: bool = True) -> TFTensor:
        """
        Draws random numbers for zoneout, variational dropout and the like.

        They depend on the seed, the update, the layer, `purpose` and the frame, but not on whether the unit is computed alone,
        within a loop or moved out of it. The iterations of an outer loop share them.

        :param purpose: separates the unit's random numbers for different uses
        :param every_frame: whether each step draws anew; otherwise all steps share the numbers
        :return: float32 [N, n], uniformly distributed in [0, 1)
        """
        assert not every_frame or self.frame is not None, "a unit that draws in each step must not override `sequence`"
        seed = self.run.random.seed_of(purpose, self.frame if every_frame else None)
        # in the template's order: in memory, the axes of a moved-out layer may have another
        axes = [axis for axis in self.run.template.axes if axis in self.rows and axis.kind != LOOP]
        shape = tf.concat([self.run.shape(axes), [n]], 0)
        template = Template((*axes, Axis(FEATURE, n)))
        x = Tensor(tf.random.stateless_uniform(shape, seed), template.axes, template)
        return tf.reshape(self.run.broadcast_to(x, self.rows), [-1, n])
