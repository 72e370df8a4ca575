"""Which option a name means that is none: a slip of the keyboard, an abbreviation, or the name that other toolkits have."""

from __future__ import annotations

import re
from functools import cache

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from boulder.returnn.options import options_with_verdict

_NEAR = 86  # of 100: one wrong letter in seven
_SHORTEST = 4  # letters of a name in which one is wrong
_BEGIN = 8  # letters of a name that is the begin of an option
_WHOLE = {
    "accumulate": "accum", "clipping": "clip", "grad": "gradient", "gradients": "gradient", "len": "length", "lens": "length",
    "lengths": "length", "lr": "learningrate", "lrs": "learningrates", "net": "network", "opt": "optimizer", "optim": "optimizer",
    "sequence": "seq", "sequences": "seqs",
}  # fmt: skip
"""Part of a name → as it is compared."""
_OF_OTHERS = {
    "batch": "batch_size", "chunk_size": "chunking", "construction_algo": "pretrain", "cv": "dev", "dev_data": "dev",
    "early_stopping": "patience", "epochs": "num_epochs", "eval_data": "eval_datasets", "max_epochs": "num_epochs",
    "min_lr": "min_learning_rate", "num_pretrain_repetitions": "pretrain_repetitions", "repetitions": "pretrain_repetitions",
    "seed": "random_seed", "train_data": "train", "valid": "dev",
}  # fmt: skip
"""Name in other toolkits → option."""


def option_meant(name: str) -> str | None:
    """
    :param name: of no option
    :return: the option that it resembles; None if there is none
    """
    if name in _OF_OTHERS:
        return _OF_OTHERS[name]
    known = _known()
    for found in _folded(name):
        if near := process.extractOne(found, known.keys(), scorer=fuzz.ratio, score_cutoff=_NEAR):
            return known[near[0]]
        if len(found) >= _BEGIN and (longer := [folded for folded in known if folded.startswith(found)]):
            return known[min(longer, key=len)]
        if slips := [folded for folded in known if _is_slip(found, folded)]:
            return known[min(slips)]
    return None


def _is_slip(found: str, folded: str) -> bool:
    """:return: whether a letter is wrong, missing, too much, or exchanged with the next one"""
    return min(len(found), len(folded)) >= _SHORTEST and OSA.distance(found, folded, score_cutoff=1) <= 1


@cache
def _known() -> dict[str, str]:
    """:return: folded → option"""
    return {folded: option for option in sorted(options_with_verdict()) for folded in _folded(option)}


def _folded(name: str) -> tuple[str, str]:
    """:return: without what is easily confused: `batchSize` is `batch_size`; and, with whole words, `max_seq_len` is `max_seq_length`"""
    parts = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower().split("_")
    return "".join(parts), "".join(_WHOLE.get(part, part) for part in parts)
