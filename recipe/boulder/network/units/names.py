"""RETURNN's names of units, as it understands them on TensorFlow 2 without a GPU. Case does not matter."""

from __future__ import annotations

from boulder.errors import NetworkError, nearest
from boulder.network.option_parsing import parse
from boulder.network.units.gru import Gru
from boulder.network.units.lstm_cell import BasicLstmCell, LstmCell
from boulder.network.units.native_lstm import NativeLstm
from boulder.network.units.unit import Unit

NATIVE = ("lstm", "lstmp", "nativelstm", "nativelstm2")
BLOCK = ("lstmblock", "lstmblockfused", "cudnnlstm")
"""names of operations that TensorFlow 2 lacks"""
CELLS: dict[str, type[Unit]] = {"basiclstm": BasicLstmCell, "standardlstm": LstmCell, "gru": Gru}
"""units of `rec` and `rnn_cell` alike"""

IN_REC: dict[str, type[Unit]] = {**dict.fromkeys((*NATIVE, *BLOCK), NativeLstm), **CELLS}
IN_RNN_CELL: dict[str, type[Unit]] = {**dict.fromkeys(BLOCK, LstmCell), **CELLS}


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
        raise NetworkError(f"{where}: unknown unit {name!r}{nearest(name.lower(), units)}")
    return parse(units[name.lower()], options or {}, f"{where}: 'unit_opts'")
