"""Joins epochs into phases. A new phase begins exactly where the net dict, `#` keys included, changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from boulder.schedule.comparing import same_value
from boulder.schedule.hash_keys import Settings
from boulder.schedule.phases import Phase


@dataclass(frozen=True)
class Stretch:
    """
    Consecutive epochs of one index with the same net dict.

    :param index: None: the original network
    :param epochs: number of epochs
    :param network: without `#` keys
    :param settings: from the `#` keys
    :param is_pretrain: whether the options of pretraining (`greedy`, `copy_output_layer`) apply
    """

    index: int | None
    epochs: int
    network: dict[str, dict]
    settings: Settings
    is_pretrain: bool


def join(stretches: Iterable[Stretch], *, reset_outputs: bool, greedy: bool) -> tuple[Phase, ...]:
    """
    :param stretches: in order, from epoch 1 on
    :param reset_outputs: output layers copy nothing from the phase before
    :param greedy: each phase of pretraining but the first trains only its new layers and the output layers
    """
    phases: list[Phase] = []
    last: Stretch | None = None
    selected: tuple[str, ...] | None = None
    parts: dict[int | None, int] = {}
    for stretch in stretches:
        before = phases[-1] if phases else None
        start = before.epochs.stop if before else 1
        selected = _greedy_layers(stretch.network, before.network, selected) if greedy and before else None
        selected = selected if stretch.is_pretrain else None
        trainable = selected if stretch.settings.trainable else ()
        if before and last and same_stretch(last, stretch) and trainable == before.trainable_layers:
            indices = before.indices + (stretch.index,) * (stretch.index not in before.indices)
            phases[-1] = replace(before, epochs=range(before.epochs.start, start + stretch.epochs), indices=indices)
            continue
        last = stretch
        mode = stretch.settings.copy_param_mode
        resets = before is not None and reset_outputs and stretch.is_pretrain
        parts[stretch.index] = parts.get(stretch.index, 0) + 1
        phases.append(
            Phase(
                index=stretch.index,
                epochs=range(start, start + stretch.epochs),
                network=stretch.network,
                config=stretch.settings.config,
                copy_param_mode=mode,
                is_pretrain=stretch.is_pretrain,
                indices=(stretch.index,),
                part=parts[stretch.index],
                reset_layers=_reset_layers(stretch.network, mode) if resets else (),
                trainable_layers=trainable,
                init_from=stretch.settings.init_from,
                carry_optimizer=stretch.settings.carry_optimizer,
                growth_noise=stretch.settings.growth_noise,
            )
        )
    return tuple(phases)


def _reset_layers(network: dict[str, dict], mode: str | None) -> tuple[str, ...]:
    """:return: the output layers; if all layers are reset anyway, only those with a `custom_param_importer`"""
    outputs = output_layers(network)
    return tuple(name for name in outputs if mode != "reset" or network[name].get("custom_param_importer"))


def output_layers(network: dict[str, dict]) -> list[str]:
    """:return: output layers in RETURNN's sense: layers with a loss, and `output`, unless `is_output_layer` is set"""
    return [
        name
        for name, layer in network.items()
        if (flag if (flag := layer.get("is_output_layer")) is not None else layer.get("loss") or name == "output")
    ]


def same_stretch(a: Stretch, b: Stretch) -> bool:
    """:return: whether both belong to the same phase"""
    return (
        a.settings.copy_param_mode == b.settings.copy_param_mode
        and a.settings.trainable == b.settings.trainable
        and same_value(a.network, b.network)
        and same_value(a.settings.config, b.settings.config)
        and same_value(a.settings.notes, b.settings.notes)
        and _growth_settings(a) == _growth_settings(b)
    )


def _growth_settings(stretch: Stretch) -> tuple:
    settings = stretch.settings
    return settings.init_from, settings.carry_optimizer, settings.growth_noise


def _greedy_layers(network: dict, before: dict, selected: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """
    :param selected: the layers that the phase before trained; None: all
    """
    new = [name for name in network if name not in before]
    if not new:  # the same layers, perhaps with other widths: keep training the same ones
        if selected is None:
            return None
        new = list(selected)
    trained = {*new, *output_layers(network)}
    return tuple(name for name in network if name in trained)
