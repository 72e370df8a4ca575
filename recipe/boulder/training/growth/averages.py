"""Moving averages of parameters, grown into the network of the next phase."""

from __future__ import annotations

from collections.abc import Mapping

import numpy

from boulder.training.growth.begin import Beginning
from boulder.training.growth.growing import plan_transfers
from boulder.training.growth.matching import Specs
from boulder.training.growth.transfer import Transfer


def grow_averages(
    old: Mapping[str, numpy.ndarray], begun: Beginning, new_specs: Specs, mode: str | None = None
) -> dict[str, numpy.ndarray]:
    """
    Grow averages as their parameters. An entry that comes from no old one, or that a function of the config has set, begins
    with the value of the parameter.

    :param old: path → average in the phase before
    :param begun: the parameters at the start of the phase
    :param mode: see `grow`
    :return: path → average, for all parameters of a floating-point type
    """
    transfers = plan_transfers(begun.old_specs, new_specs, mode, begun.options).transfers
    result = {path: value.copy() for path, value in begun.params.items() if value.dtype.kind == "f"}
    for path, value in result.items():
        transfer = transfers.get(path)
        if path in begun.report.by_function or not isinstance(transfer, Transfer) or transfer.source.path not in old:
            continue
        before = old[transfer.source.path]
        if transfer.index is None:
            result[path] = before.copy()
        else:
            begin = numpy.zeros_like(value) if transfer.zero_elsewhere else value
            result[path] = transfer.value(old, begin)
    return result
