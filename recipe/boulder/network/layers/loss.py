"""`loss`: the cost or the error of each frame, as the output of a layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

from boulder.lazy import tf
from boulder.network.axes import BEAM, Batch
from boulder.network.layer import Layer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.loss import LOSSES, Loss
from boulder.network.losses.frames import FrameLoss, frames_of
from boulder.network.option_parsing import parse
from boulder.network.refs import TARGET
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@layer_class("loss")
@dataclass(frozen=True, kw_only=True)
class LossOfFrames(Layer):
    """Cost or error of each frame, by a loss that compares frames. It is trained with the loss `as_is`. RETURNN: LossLayer.

    The cost is also `LAYER/loss`, the error `LAYER/error`. RETURNN builds it for "ce" and "generic_ce" only.

    :param loss_: the loss
    :param target_: data stream of its target, or "layer:NAME"; None: "classes"
    :param loss_opts_: its options
    :param use_error: the error, rather than the cost
    """

    loss_: str
    target_: str | None = None
    loss_opts_: dict | None = None
    use_error: bool = False

    def dependencies(self, mode: str) -> tuple[str, ...]:
        return (*self.source_names(), f"{TARGET}{self.target_ or 'classes'}")

    def one_by_one(self, mode: str) -> bool:
        return True

    def parts(self, own: str) -> Mapping[str, Layer]:
        plain = LossOfFrames(
            sources=self.sources, loss_=self.loss_, target_=self.target_, loss_opts_=self.loss_opts_, use_error=False
        )
        return {"loss": plain, "error": replace(plain, use_error=True)}

    def _loss(self, where: str) -> Loss:
        return parse(LOSSES.find(self.loss_, where), self.loss_opts_ or {}, f"{where}: loss {self.loss_!r}")

    def spec(self, site: Site) -> Template:
        loss = self._loss(site.where)
        if not isinstance(loss, FrameLoss):
            raise site.fail(
                f"'loss_' is {self.loss_!r}, expected a loss that compares frames, such as 'ce'; layers `ctc_loss`, `edit_distance` and "
                "`fast_bw` give costs of sequences"
            )
        if len(self.source_names()) != 1:
            raise site.fail(f"takes one source, found {len(self.source_names())}")
        (_, output), (_, target) = site.sources
        for template in (output, target):
            if template.batch is None or template.axis(BEAM):
                raise site.fail_sources("needs sequences of a batch, and no hypotheses of a search")
        if problem := loss.check(output, target):
            raise site.fail(problem)
        if loss.scale != 1 or loss.use_normalized_loss or loss.custom_inv_norm_factor:
            raise site.fail(
                "'loss_opts_' takes no 'scale', 'use_normalized_loss' and 'custom_inv_norm_factor'; expected them at its loss"
            )
        return Template((Batch, *([output.time] if output.time else [])))

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        output, target = sources
        frames = frames_of(run, output, target)
        # the loss of the padding may have no finite gradient
        shown = tf.where(frames.mask[..., None], frames.output, 1.0)
        logits = None if frames.logits is None else tf.where(frames.mask[..., None], frames.logits, 0.0)
        frames = replace(frames, output=shown, logits=logits)
        value = cast("FrameLoss", self._loss(run.where)).of_frames(frames, target.template)[self.use_error]
        return run.tensor(tf.where(frames.mask, value, 0.0), run.template.axes, run.template)
