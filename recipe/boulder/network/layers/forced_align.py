"""`forced_align`: the best alignment of frames to labels, with blanks (Viterbi)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from boulder.lazy import tf
from boulder.network.alignments.alignment import best_alignment
from boulder.network.alignments.automata import ctc_automata
from boulder.network.axes import BEAM, FEATURE, SPATIAL, TIME, Batch
from boulder.network.concat_layer import ConcatLayer
from boulder.network.in_padding import InPadding
from boulder.network.layer import Site, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@layer_class("forced_align")
@dataclass(frozen=True, kw_only=True)
class ForcedAlign(ConcatLayer):
    """Class of each frame on the best path through the labels and blanks. RETURNN: ForcedAlignmentLayer.

    The output is 0 in the padding and for sequences without a path. There is no sub-layer `scores`.

    :param align_target: layer or data stream with the labels
    :param topology: "ctc"; or "rna", where each label lasts one frame
    :param input_type: whether the input is probabilities or their logarithms
    :param blank_idx: class of the blank; negative from the end
    :param blank_included: whether the classes of the labels include the blank
    """

    in_padding: ClassVar[InPadding] = InPadding.ZERO

    align_target: str
    topology: Literal["ctc", "rna"]
    input_type: Literal["log_prob", "prob"]
    blank_idx: int = -1
    blank_included: bool = False

    def dependencies(self, mode: str) -> tuple[str, ...]:
        return (*self.source_names(), self.align_target)

    def spec(self, site: Site) -> Template:
        template = replace(site, sources=site.sources[:-1]).input()
        dim, (name, target) = site.dense_dim(template), site.sources[-1]
        if site.loop is not None:
            raise site.fail("found in a loop, expected outside of it: an alignment needs the whole sequence")
        if template.time is None or template.batch is None or template.axis(SPATIAL) or template.axis(BEAM):
            raise site.fail(f"needs batch, time and feature axes and no others, but its input is {template}")
        if target.sparse_dim is None or target.time is None or set(target.axes) != {Batch, target.time}:
            raise site.fail(f"'align_target': {name!r} is {target}, expected a sequence of class indices")
        expected = target.sparse_dim + (not self.blank_included)
        if dim != expected:
            raise site.fail(f"its input has {dim} classes, expected {expected} for {name!r}, {target}")
        if not self.blank_included and self.blank_idx != -1:
            raise site.fail(f"'blank_idx' must be -1, the class after those of {name!r}, found {self.blank_idx}")
        if not -dim <= self.blank_idx < dim:
            raise site.fail(f"'blank_idx' must be a class from {-dim} to {dim - 1}, found {self.blank_idx}")
        axes = tuple(axis for axis in template.axes if axis.kind != FEATURE)
        return Template(axes, "int32", dim)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        *inputs, target = sources
        x = run.input(inputs)
        time, of_labels = run.template.required(TIME), target.template.required(TIME)
        scores = x.ordered((time, Batch, x.template.required(FEATURE)))
        if self.input_type == "prob":
            scores = tf.math.log(tf.maximum(scores, 1e-20))
        labels = tf.cast(target.ordered((Batch, of_labels)), tf.int32)
        blank = self.blank_idx % x.template.required(FEATURE).known_size
        automata = ctc_automata(labels, run.length(of_labels), blank, self.topology == "ctc")
        alignment, _ = best_alignment(tf.cast(scores, tf.float32), run.length(time), automata)
        return x.made(alignment, (time, Batch), run.template)
