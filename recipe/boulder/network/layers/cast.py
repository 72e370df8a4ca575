"""`cast`: another dtype."""

from __future__ import annotations

from dataclasses import dataclass, replace

from boulder.errors import nearest
from boulder.lazy import tf
from boulder.network.concat_layer import ConcatLayer
from boulder.network.extra_deps import ExtraDeps
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import DTYPES, Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import passes


@layer_class("cast")
@dataclass(frozen=True, kw_only=True)
class Cast(ExtraDeps, ConcatLayer):
    """The sources, concatenated, with another dtype. RETURNN: CastLayer.

    :param dtype: "float32", "int32", "bool", …; class indices of a float type are no class indices any more
    """

    dtype: str

    def spec(self, site: Site) -> Template:
        if self.dtype not in DTYPES:
            raise site.fail(
                f"'dtype' must be one of {', '.join(DTYPES)}, found {self.dtype!r}{nearest(self.dtype, DTYPES)}"
            )
        template = site.input()
        sparse_dim = None if self.dtype.startswith("float") else template.sparse_dim
        return replace(template, dtype=self.dtype, sparse_dim=sparse_dim)

    def widening(self, w: Widening) -> None:
        passes(w)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources)
        return x.made(tf.cast(x.value, self.dtype), x.axes, run.template)
