"""`hdf_dump`: writes its source to an HDF file while the network is trained, as data of a later phase."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from boulder.network.axes import BEAM, LOOP
from boulder.network.in_padding import InPadding
from boulder.network.layer import Layer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening


@layer_class("hdf_dump")
@dataclass(frozen=True, kw_only=True)
class HdfDump(Layer):
    """The source, which a training also writes to an HDF file, see `boulder.training.dumps`. RETURNN: HDFDumpLayer.

    :param filename: of the HDF file. With `dump_per_run`, `{epoch}` and `{dataset_name}` in it are replaced, or it is a function
        of these keywords
    :param dump_whole_batches: must be False: only sequences are written
    :param extra: stream of the file → layer, of further streams
    :param labels: names of the classes
    :param extend_existing_file: whether the file exists and is extended
    :param dump_per_run: whether the file is complete after each pass over a data set, otherwise after the phase
    """

    in_padding: ClassVar[InPadding] = InPadding.SOURCE

    filename: str | Callable
    extra: dict | None = None
    dump_whole_batches: bool = False
    labels: list[str] | None = None
    extend_existing_file: bool = False
    dump_per_run: bool = False

    @property
    def extra_layers(self) -> dict[str, str]:
        return dict(sorted((self.extra or {}).items()))

    def source_names(self) -> tuple[str, ...]:
        return (*super().source_names(), *self.extra_layers.values())

    def spec(self, site: Site) -> Template:
        template = site.sources[0][1]
        if len(super().source_names()) != 1:
            raise site.fail(f"needs one source in 'from', found {len(super().source_names())}")
        if self.dump_whole_batches:
            raise site.fail("'dump_whole_batches': found True; Boulder writes sequences only, expected False")
        if callable(self.filename) and not self.dump_per_run:
            raise site.fail("'filename' is a function of the run, expected 'dump_per_run': True beside it")
        if not self.filename:
            raise site.fail("'filename': found '', expected the name of an HDF file")
        if site.loop is not None:
            raise site.fail("found in a loop, expected outside of it, with the loop's output as the source")
        if template.time is None:
            raise site.fail(f"needs a time axis, but its input is {template}")
        for (name, found), key in zip(site.sources, ("data", *self.extra_layers), strict=True):
            if key != "data" and (name == "data" or name.startswith("data:")):
                raise site.fail(f"'extra': {key!r} is the data stream {name!r}, expected a layer, e.g. of class 'copy'")
            if found.batch is None or found.axis(BEAM) or found.axis(LOOP):
                raise site.fail(f"{key!r}: {name!r} is {found}, expected one value for each sequence")
            if found.sparse_dim is not None and found.dim is None:
                raise site.fail(f"{key!r}: {name!r} is {found}, needs to know the number of classes")
        if self.labels is not None and len(self.labels) != template.dim:
            raise site.fail(f"'labels': found {len(self.labels)} names, expected {template.dim}")
        return template

    def widening(self, w: Widening) -> None:
        for source in w.sources:
            w.tie_axes(source)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        return sources[0]
