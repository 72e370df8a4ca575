"""The score that a learning-rate rule follows, under RETURNN's names.

| name | our score |
|---|---|
| `dev_score`, `dev_error` | `cost:LAYER`, `error:LAYER` on dev, in an epoch whose network has one loss |
| `dev_score_LAYER`, `dev_error_LAYER` | the same, in an epoch whose network has several losses |
| `train_score`, `train_error`, `train_score_LAYER`, … | the same on the training data |
| `NAME_score`, … | the same on the further data set NAME of `eval_datasets` |
| `dev_score_LAYER:exp` | `cost:LAYER:exp` on dev, with `calculate_exp_loss`, where the score of a single loss is `dev_score_LAYER` |

LAYER is the path of a layer in a loop: `dev_error_decoder/output_prob`. For a layer of an extra net, it is `extra.NAME:LAYER` if
the main net has a loss of LAYER too, else LAYER alone. Scores do not include loss scales.

As in RETURNN, `edit_distance` has no cost, and `as_is` has a cost or an error, which changes names where it is one of two losses.
A loss of scale 0 has scores like others.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from boulder.errors import ConfigError, nearest
from boulder.network.extra_nets import plain_name
from boulder.training.history import EpochRecord, scores_by_data

Measure = str | list[str] | None
_KINDS = {"cost": "score", "error": "error"}


def named_scores(record: EpochRecord) -> dict[str, float | None]:
    """:return: all scores of an epoch by RETURNN's names"""
    result: dict[str, float | None] = {}
    for prefix, scores in scores_by_data(record).items():
        short = _short({key.partition(":")[2] for key in scores})
        for ours, kind in _KINDS.items():
            layers = {key.partition(":")[2]: value for key, value in scores.items() if key.startswith(f"{ours}:")}
            for layer, value in layers.items():
                result[_name(f"{prefix}_{kind}", short[layer], len(layers))] = value
    return result


def score_named(record: EpochRecord, name: str) -> float | None:
    """
    :param name: RETURNN's name of a score, with or without its layer: `dev_error` is also that of `output`, and
        `dev_error_LAYER` also that of an epoch with this loss alone
    :return: None if the epoch lacks the score, or it is not finite
    """
    scores = named_scores(record)
    for data, of_data in scores_by_data(record).items():
        losses = {*_short({key.partition(":")[2] for key in of_data}).values()}
        for kind in _KINDS.values() if len(losses) == 1 else ():
            scores[f"{data}_{kind}_{next(iter(losses))}"] = scores.get(f"{data}_{kind}")
    value = scores.get(name, scores.get(f"{name}_output"))
    return value if value is not None and math.isfinite(value) else None


def score_names(losses: Mapping[str, Collection[str]], data: Sequence[str]) -> list[str]:
    """
    :param losses: layer with a loss → "cost" and "error", as far as the loss has them
    :param data: names of the data sets that are scored besides the training data
    :return: RETURNN's names of all scores of an epoch
    """
    prefixes = (*(["dev"] if "dev" in data else []), "train", *data)
    layers = {kind: [layer for layer, ours in losses.items() if our in ours] for our, kind in _KINDS.items()}
    short = _short(losses)
    return [
        _name(f"{prefix}_{kind}", short[layer], len(of_kind))
        for prefix in dict.fromkeys(prefixes)
        for kind, of_kind in layers.items()
        for layer in of_kind
    ]


def name_of_score(key: str, data: str, losses: Mapping[str, Collection[str]]) -> str:
    """
    :param key: our name of a score, "error:output"
    :param data: name of the data set, "dev"
    :param losses: see `score_names`
    :return: RETURNN's name in an epoch with these losses
    """
    ours, _, layer = key.partition(":")
    return _name(f"{data}_{_KINDS[ours]}", _short(losses)[layer], sum(ours in of_layer for of_layer in losses.values()))


def measured(record: EpochRecord, measure: Measure) -> tuple[str, float | None] | None:
    """
    :return: name and value of the score to follow: `measure`, or else the dev score of `output`, of a layer in `output`,
        of any layer, or else the training score. RETURNN chooses in the same order. None if there is no score.
    """
    scores = named_scores(record)
    if not scores:
        return None
    name = next(name for name in _candidates(scores, measure) if name in scores)
    return name, scores[name]


def with_exp(losses: Mapping[str, Collection[str]]) -> dict[str, Collection[str]]:
    """
    :param losses: see `score_names`
    :return: the same with `calculate_exp_loss`, which adds a score for each cost
    """
    return {**losses, **{f"{layer}:exp": ("cost",) for layer, ours in losses.items() if "cost" in ours}}


def check_measure(measure: Measure, known: Sequence[str], single_losses: Collection[str]) -> None:
    """
    :param known: names of the scores of all phases
    :param single_losses: layers that have the only loss of a phase; their names with `_LAYER` are accepted as well, as the
        setup may have further losses at other times
    :raises ConfigError: if no phase has the score
    """
    wanted = [measure] if isinstance(measure, str) else measure or []
    every = {*known, *(name + f"_{layer}" for name in known for layer in single_losses)}
    if wanted and not any(candidate in every for name in wanted for candidate in (name, f"{name}_output")):
        raise ConfigError(
            f"config: 'learning_rate_control_error_measure' is {measure!r:.80}, which no phase computes, expected one of "
            f"{', '.join(known)}{nearest(wanted[0], known)}"
        )


def _short(losses: Collection[str]) -> dict[str, str]:
    """:return: layer → its name without that of its extra net, unless a layer of another net would have the same one"""
    counts = Counter(map(plain_name, losses))
    return {layer: plain_name(layer) if counts[plain_name(layer)] == 1 else layer for layer in losses}


def _name(score: str, layer: str, losses: int) -> str:
    return score if losses == 1 else f"{score}_{layer}"


def _candidates(scores: Collection[str], measure: Measure) -> Iterator[str]:
    for name in [measure] if isinstance(measure, str) else measure or []:
        yield from (name, f"{name}_output")
    yield from ("dev_score", "dev_score_output")
    in_order = sorted(scores)
    yield from (name for name in in_order if f"{name}_".startswith("dev_score_output/output_"))
    yield from (name for name in in_order if name.startswith("dev_score_output/"))
    yield from (name for name in in_order if name.startswith("dev_"))
    yield from ("train_score", "train_score_output")
    yield from in_order
