"""`window`: at each frame, the frames around it, along a new axis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from boulder.lazy import TFTensor, tf
from boulder.network.axes import BATCH, DYNAMIC, FEATURE, LOOP, Axis
from boulder.network.axis_names import find_axis
from boulder.network.concat_layer import ConcatLayer
from boulder.network.dims import NetDim
from boulder.network.in_padding import InPadding
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.layers.positional_encoding import frames_axis
from boulder.network.roles import unused
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import along
from boulder.network.windows import Window as Sliding


@layer_class("window")
@dataclass(frozen=True, kw_only=True)
class Window(ConcatLayer):
    """y[t, i] = x[t · stride + i - left], 0 before the first frame and after the last one; the new axis follows that of t.

    In a loop without a time axis, the window covers the last iterations, and 'window_right' 0 or 'window_left' must say so.
    RETURNN: WindowLayer, in whose windows a shorter sequence of the batch continues with its padding.

    :param window_size: number of frames; None: that of `window_dim`
    :param window_dim: `Dim` of the new axis, whose size is `window_size`
    :param out_spatial_dim: `Dim` of the axis of the windows
    :param window_left: number of frames before t; None: the rest of the window, of which half follows t by default
    :param window_right: number of frames after t
    :param axis: the axis, see `boulder.network.axis_names`
    :param padding: "same": a window for each frame; "valid": only windows without padding
    :param stride: step of the window
    """

    in_padding: ClassVar[InPadding] = InPadding.ZERO

    window_size: int | None = None
    window_dim: NetDim | None = None
    out_spatial_dim: NetDim | None = None
    window_left: int | None = None
    window_right: int | None = None
    axis: object = "T"
    padding: Literal["same", "valid"] = "same"
    stride: int = 1

    def spec(self, site: Site) -> Template:
        template = site.input()
        if self.window_size is None and (self.window_dim is None or self.window_dim.size is None):
            raise site.fail("needs a 'window_size', or a 'window_dim' of known size")
        if self._size < 1 or self.stride < 1:
            raise site.fail(f"'window_size' and 'stride' must be at least 1, found {self._size} and {self.stride}")
        given = [side for side in (self.window_left, self.window_right) if side is not None]
        if self.padding == "valid" and given:
            raise site.fail("padding 'valid' takes no 'window_left' and 'window_right'")
        if (
            min(given, default=0) < 0
            or sum(given) + (len(given) == 2) > self._size
            or (len(given) == 2 and sum(given) + 1 != self._size)
        ):
            raise site.fail(
                f"'window_left' + 'window_right' + 1 must be 'window_size', {self._size}, "
                f"found {self.window_left} and {self.window_right}"
            )
        axis = self._axis(template, site)
        if axis.kind in (BATCH, FEATURE):
            raise site.fail(f"a window needs an axis of time or space, found {axis}")
        if axis.kind == LOOP and (
            self.padding != "same" or self.stride != 1 or not given or self._left + 1 < self._size
        ):
            raise site.fail(
                "in a loop, a window must end with the current iteration: 'window_right' 0, without 'stride'"
            )
        if axis not in template.axes:  # one iteration
            return self._with(template, (self._window_axis(template),), template.batch)
        if axis.kind not in DYNAMIC and self._sliding.count(axis.known_size) < 1:
            raise site.fail(f"windows of size {self._size} do not fit into axis {axis} of its input {template}")
        over = axis if axis.kind == LOOP else self._sliding.over(axis)
        return self._with(template, (over, self._window_axis(template)), axis)

    def _axis(self, template: Template, site: Site) -> Axis:
        if isinstance(self.axis, str) and self.axis.lower() in ("t", "time"):
            return frames_axis(template, site)
        return find_axis(template, self.axis, site)

    @property
    def _size(self) -> int:
        return self.window_size or (self.window_dim.size if self.window_dim else None) or 0

    def named_axes(self, site: Site, output: Template) -> list[tuple[NetDim, Axis | None]]:
        template = site.input()
        axis = self._axis(template, site)
        i = template.axes.index(axis) if axis in template.axes else None
        given = ((self.out_spatial_dim, i), (self.window_dim, self._position(template, i)))
        return [(dim, None if at is None else output.axes[at]) for dim, at in given if dim]

    @staticmethod
    def _position(template: Template, of_axis: int | None) -> int:
        """:return: position of the window's axis in the output"""
        if of_axis is not None:
            return of_axis + 1
        return template.axes.index(template.batch) + 1 if template.batch else 0

    @property
    def _left(self) -> int:
        if self.padding == "valid":
            return 0
        if self.window_left is not None:
            return self.window_left
        right = self._size // 2 if self.window_right is None else self.window_right
        return self._size - right - 1

    @property
    def _sliding(self) -> Sliding:
        return Sliding(self._size, self.stride, 1, self.padding)

    def _window_axis(self, template: Template) -> Axis:
        return unused(self._size, template.axes)

    @staticmethod
    def _with(template: Template, new: tuple[Axis, ...], at: Axis | None) -> Template:
        """:return: the template with `new` in place of the axis `at`, or behind it if it is the batch"""
        i = template.axes.index(at) if at else -1
        kept = (at,) if at and at.kind == BATCH else ()
        return replace(template, axes=(*template.axes[: max(i, 0)], *kept, *new, *template.axes[i + 1 :]))

    def widening(self, w: Widening) -> None:
        along(w, self.axis)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources)
        axis = self._axis(x.template, self.site(run))
        i = x.template.axes.index(axis)
        new, window = run.template.axes[i : i + 2]
        outer = [a for a in x.axes if a != axis]
        order = [axis, *outer]
        value = x.ordered(order)
        n = tf.shape(value)[0]
        if axis.kind in DYNAMIC:
            value = tf.where(run.mask_over(order, axis), value, tf.zeros([], value.dtype))
        frames = tf.range(self._sliding.count(n))[:, None] * self.stride + tf.range(self._size) - self._left
        inside = (frames >= 0) & (frames < n)
        padded = tf.concat([value, _one_frame(value)], 0)
        y = tf.gather(padded, tf.where(inside, frames, n))  # [windows, window, *outer]
        if new.kind in DYNAMIC and new != axis:
            run.set_length_from(new, axis, self._sliding.count)
        axes = [new, window, *outer]
        if new.kind in DYNAMIC:
            y = tf.where(run.mask_over(axes, new), y, tf.zeros([], y.dtype))
        y.set_shape([a.size for a in axes])
        return x.made(y, axes, run.template)

    # One iteration of a loop

    def state(self, site: Site, output: Template) -> dict[str | None, Template]:
        if site.loop is None or self._axis(site.input(), site) in site.input().axes:
            return {}
        return {"state": output}

    def step(
        self, run: LayerRun, state: dict[str | None, Tensor], *sources: Tensor
    ) -> tuple[Tensor, dict[str | None, Tensor]]:
        x, before = run.input(sources), state["state"]
        window = run.template.axes[self._position(x.template, None)]
        outer = [a for a in before.axes if a != window]
        frame = tf.broadcast_to(x.ordered(outer), run.shape(outer))
        y = tf.concat([before.ordered([window, *outer])[1:], frame[None]], 0)
        output = x.made(y, [window, *outer], run.template)
        return output, {"state": output}


def _one_frame(value: TFTensor) -> TFTensor:
    """:return: zeros of the shape of a frame, [1, …]"""
    return tf.zeros(tf.concat([[1], tf.shape(value)[1:]], 0), value.dtype)
