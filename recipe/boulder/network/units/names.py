"""RETURNN's names of units, as it understands them on TensorFlow 2 without a GPU. Case does not matter."""

from __future__ import annotations

from boulder.errors import NetworkError, nearest
from boulder.network.option_parsing import parse
from boulder.network.units.basic_rnn import BasicRnn
from boulder.network.units.gru import Gru
from boulder.network.units.layer_norm_lstm import LayerNormLstm
from boulder.network.units.lstm_cell import BasicLstmCell
from boulder.network.units.native_lstm import NativeLstm, NativeLstmLowMem, VanillaLstm
from boulder.network.units.rhn import RecurrentHighway
from boulder.network.units.standard_lstm import StandardLstm
from boulder.network.units.unit import Unit
from boulder.network.units.zoneout_lstm import ZoneoutLstm

NATIVE = ("lstm", "lstmp", "nativelstm", "nativelstm2")
BLOCK = ("lstmblock", "lstmblockfused", "cudnnlstm")
"""names of operations that TensorFlow 2 lacks"""
CELLS: dict[str, type[Unit]] = {
    "basiclstm": BasicLstmCell,
    "standardlstm": StandardLstm,
    "gru": Gru,
    "basicrnn": BasicRnn,
    "vanillalstm": VanillaLstm,
    "layernormvariantslstm": LayerNormLstm,
    "zoneoutlstm": ZoneoutLstm,
    "rhn": RecurrentHighway,
}
"""units of `rec` and `rnn_cell` alike"""

IN_REC: dict[str, type[Unit]] = {
    **dict.fromkeys((*NATIVE, *BLOCK), NativeLstm),
    "nativelstmlowmem": NativeLstmLowMem,
    **CELLS,
}
IN_RNN_CELL: dict[str, type[Unit]] = {**dict.fromkeys(BLOCK, StandardLstm), **CELLS}
REFUSED = {
    **dict.fromkeys(
        ("blocksparselstm", "blocksparsemultiplicativemultisteplstm"),
        "needs the package 'blocksparse', which does not exist for TensorFlow 2; try 'nativelstm2'",
    ),
    **dict.fromkeys(
        ("multirnn", "dropoutwrapper", "residualwrapper", "devicewrapper"),
        "wraps another cell, which a net dict cannot give; expected a layer for each cell",
    ),
    "twodnativelstm": "has two time axes; expected the layer class 'twod_lstm'",
}
"""units that RETURNN knows → why they do not exist here"""


def read_unit(name: str, options: dict | None, units: dict[str, type[Unit]], where: str) -> Unit:
    """
    :param options: `unit_opts`
    :param units: `IN_REC` or `IN_RNN_CELL`
    :param where: the layer, for messages
    :raises NetworkError: for an unknown unit or unknown options
    """
    if name.lower() not in units:
        if name.lower() in IN_REC:
            raise NetworkError(
                f"{where}: unit {name!r} belongs to 'rec', which works in loops as well; try 'LSTMBlock'"
            )
        if name.lower() in REFUSED:
            raise NetworkError(f"{where}: unit {name!r} {REFUSED[name.lower()]}")
        raise NetworkError(f"{where}: unknown unit {name!r}{nearest(name.lower(), units)}")
    return parse(units[name.lower()], options or {}, f"{where}: 'unit_opts'")
