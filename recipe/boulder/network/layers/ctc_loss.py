"""`ctc_loss` and `sparse_softmax_cross_entropy_with_logits`: losses whose value is the output of a layer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from boulder.lazy import tf
from boulder.network.alignments.sequence_losses import ctc_costs, with_gradient
from boulder.network.axes import BEAM, DYNAMIC, FEATURE, SPATIAL, TIME, Axis, Batch
from boulder.network.axis_names import find_axis
from boulder.network.layer import Layer, Site, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@dataclass(frozen=True, kw_only=True)
class _OfLogits(Layer):
    """
    :param logits: layer whose output are logits
    :param targets: layer or data stream with class indices
    """

    sources: str | list[str] = field(default_factory=list)
    logits: str
    targets: str

    def dependencies(self, mode: str) -> tuple[str, ...]:
        return (self.logits, self.targets)

    def _checked(self, site: Site) -> tuple[Template, Template]:
        """:return: templates of logits and targets"""
        (name, logits), (of_targets, targets) = site.sources
        if self.source_names():
            raise site.fail(f"reads 'logits' and 'targets' only, found 'from': {self.sources!r}")
        if not logits.dtype.startswith("float"):
            raise site.fail(f"'logits': {name!r} is {logits}, expected floats")
        if not targets.dtype.startswith("int") or targets.feature:
            raise site.fail(f"'targets': {of_targets!r} is {targets}, expected class indices")
        return logits, targets


@layer_class("ctc_loss")
@dataclass(frozen=True, kw_only=True)
class CtcLoss(_OfLogits):
    """Cost of each sequence, -log of the sum over all alignments of its labels. RETURNN: CtcLossLayer.

    The cost of a sequence whose labels do not fit into its frames is 0, and so is its gradient, as in RETURNN with
    `tf_native_ctc_zero_infinity`.

    :param logits_normalized: whether the logits are log probabilities already
    :param blank_index: class of the blank; negative from the end
    :param max_approx: only the best alignment counts
    :param label_loop: whether a label may last several frames
    """

    logits_normalized: bool = False
    blank_index: int = -1
    max_approx: bool = False
    label_loop: bool = True

    def spec(self, site: Site) -> Template:
        logits, targets = self._checked(site)
        if site.loop is not None:
            raise site.fail("found in a loop, expected outside of it: it needs the whole sequence")
        if logits.time is None or logits.feature is None or logits.axis(SPATIAL) or logits.axis(BEAM):
            raise site.fail(f"'logits' must have batch, time and feature axes and no others, found {logits}")
        if targets.time is None or set(targets.axes) != {Batch, targets.time} or targets.sparse_dim is None:
            raise site.fail(f"'targets' must be a sequence of class indices, found {targets}")
        dim = logits.feature.known_size
        if targets.sparse_dim not in (dim, dim - 1):
            raise site.fail(f"'targets' has {targets.sparse_dim} classes, expected {dim - 1}, or {dim} with the blank")
        if not -dim <= self.blank_index < dim:
            raise site.fail(f"'blank_index' must be a class from {-dim} to {dim - 1}, found {self.blank_index}")
        return Template((Batch,))

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        logits, targets = sources
        time, of_labels = (x.template.required(TIME) for x in sources)
        feature = logits.template.required(FEATURE)
        x, lengths = logits.ordered((time, Batch, feature)), run.length(time)
        labels = tf.cast(targets.ordered((Batch, of_labels)), tf.int32)
        normalize = not self.logits_normalized
        cost, posterior = ctc_costs(
            tf.cast(x, tf.float32), lengths, labels, run.length(of_labels),
            blank=self.blank_index % feature.known_size, label_loop=self.label_loop, normalize=normalize,
            best_path=self.max_approx,
        )  # fmt: skip
        there = tf.math.is_finite(cost)[None] & tf.transpose(tf.sequence_mask(lengths, tf.shape(x)[0]))
        signal = tf.where(there[..., None], (tf.nn.softmax(x) if normalize else 0.0) - posterior, 0.0)
        cost = with_gradient(tf.where(tf.math.is_finite(cost), cost, 0.0), x, signal, axes=(0, 2))
        return logits.made(cost, (Batch,), run.template)


@layer_class("sparse_softmax_cross_entropy_with_logits")
@dataclass(frozen=True, kw_only=True)
class SparseSoftmaxCrossEntropy(_OfLogits):
    """-log softmax(logits) of the target class, in each frame. RETURNN: SparseSoftmaxCrossEntropyWithLogitsLayer.

    :param axis: axis of the classes, see `boulder.network.axis_names`; None: the feature axis
    """

    axis: object = None

    def spec(self, site: Site) -> Template:
        logits, targets = self._checked(site)
        axis = self._classes(logits, site)
        if targets.sparse_dim not in (None, axis.known_size):
            raise site.fail(f"'targets' has {targets.sparse_dim} classes, expected {axis.size}, the size of {axis}")
        rest = tuple(other for other in logits.axes if other != axis)
        unknown = [other for other in targets.axes if other not in rest and other.kind not in DYNAMIC]
        if unknown or len(targets.axes) > len(rest):
            raise site.fail(
                f"'targets' is {targets}, expected axes of the logits without the classes, {Template(rest)}"
            )
        return Template(rest)

    def _classes(self, logits: Template, site: Site) -> Axis:
        if self.axis is not None:
            return find_axis(logits, self.axis, site)
        if logits.feature is None:
            raise site.fail(f"'logits' is {logits}, without a feature axis; expected 'axis'")
        return logits.feature

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        logits, targets = sources
        (axis,) = (axis for axis in logits.axes if axis not in run.template.axes)
        x = logits.ordered((*run.template.axes, axis))
        time, of_targets = run.template.time, targets.template.time
        if time and of_targets and time != of_targets:
            renamed = targets.template.with_axis_replaced(of_targets, time)
            value = run.with_same_lengths(targets.value, time, of_targets)
            targets = replace(targets, value=value).renamed({of_targets: time}, renamed)
        classes = tf.broadcast_to(targets.ordered(run.template.axes), tf.shape(x)[:-1])
        # the padding may hold other numbers than classes
        classes = tf.clip_by_value(classes, 0, axis.known_size - 1)
        cost = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=classes, logits=x)
        return logits.made(cost, run.template.axes, run.template)
