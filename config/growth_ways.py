"""What the studies of growth have in common: each way to grow is a pipeline on the pronunciations of CMUdict, with each seed."""

import re
from collections.abc import Callable, Mapping

from config.g2p import FRAMES_PER_LETTER
from jobs.cmudict_lexicon import CmuDictLexiconJob
from jobs.lexicon_to_hdf import LETTERS_TO_PHONEMES, LexiconToHdfJob
from jobs.pipeline import lay_out
from sisyphus import tk

SEEDS = (1, 2, 3)
NUM_EPOCHS = 8

Schedule = tuple[Callable[[dict], Callable], Mapping[str, dict]]
"""Function from a way to a construction algo; name of a way → its options of each index, such as `#copy_param_mode`."""


def lay_out_ways(study: str, full: dict, schedules: Mapping[str, Schedule], config: dict, num_words: int) -> None:
    """
    Lays out a training of the full network from the start, and one for each schedule and way.

    :param study: beginning of the names of pipelines and outputs
    :param full: net dict with which every training ends
    :param schedules: name → schedule
    :param num_words: of the lexicon
    """
    lexicon = CmuDictLexiconJob(num_words=num_words)
    train, dev = (
        LexiconToHdfJob(lexicon=part, frames_per_letter=FRAMES_PER_LETTER).out_hdf
        for part in (lexicon.out_train, lexicon.out_dev)
    )
    trainings: dict[str, tuple[dict, dict | None]] = {"full from the start": (full, None)}
    for kind, (algo, ways) in schedules.items():
        trainings |= {f"{kind}: {name}": (full | way, {"construction_algo": algo(way)}) for name, way in ways.items()}
    for name, (net, pretrain) in trainings.items():
        for seed in SEEDS:
            place = f"{study}/{re.sub('[:, ]+', '-', name)}/{seed}"
            training = lay_out(
                place,
                network=net,
                pretrain=pretrain,
                num_epochs=NUM_EPOCHS,
                config=config | {"random_seed": seed},
                extern_data=LETTERS_TO_PHONEMES,
                train_data=train,
                dev_data=dev,
                indices_per_job=None,
                rqmt={"cpu": 1, "mem": 2, "time": 2},
            )
            tk.register_output(f"{place}/scores.jsonl", training.scores[-1])
