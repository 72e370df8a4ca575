"""The network of the phase before, as far as its checkpoint tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from boulder.errors import BoulderError
from boulder.network import NetworkSpec, describe
from boulder.schedule.canonical import canonical
from boulder.schedule.functions import restore


@dataclass(frozen=True)
class OldNetwork:
    """
    :param spec: None if it is unknown
    :param unknown: why it is unknown
    """

    spec: NetworkSpec | None = None
    unknown: str = ""


UNKNOWN = OldNetwork()


def old_network(net_dict: Mapping[str, Any], new: Mapping[str, Any], extern_data: Mapping[str, Any]) -> OldNetwork:
    """
    :param net_dict: of the phase before, canonical: its functions are digests, as a checkpoint holds no code
    :param new: net dict of the phase that begins; the functions that both have are taken from it
    """
    functions: dict[str, dict] = {}
    canonical(new, functions)
    try:
        return OldNetwork(describe(restore(dict(net_dict), functions), extern_data))
    except BoulderError as error:
        return OldNetwork(None, f"from its checkpoint, {error}")
