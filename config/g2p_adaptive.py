"""Grapheme-to-phoneme conversion with adaptive depth: adds layers until the dev cost improves by less than 5 %.

    boulder run config/g2p_adaptive.adaptive     20,000 words; five minutes on two cores; test PER about 8 %

Data and layers are those of config/g2p.demo. Index 0 has one BLSTM layer. Each index adds a randomly initialised layer and
trains all layers for two epochs. The lowest dev cost of an index (CTC, per phoneme) is compared with that of the previous
index. If it did not improve enough, this network is trained to epoch 12 with decreasing learning rates.

In a run, the costs of one to four layers were 0.522, 0.416, 0.375 and 0.362, so growth stopped at four layers (563,688
parameters; dev error 10.4 %, test PER 8.15 %, WER 35.9 %).
"""

from config.g2p import ctc_search, data, evaluate, network
from jobs.adaptive_pipeline import lay_out_adaptive
from jobs.cmudict_lexicon import CmuDictLexiconJob
from jobs.rqmt import training_rqmt

MAX_LAYERS = 5
EPOCHS_PER_INDEX = 2
WORTH_A_LAYER = 0.95  # largest ratio of the new cost to the previous cost at which growth continues


def construction_algo(idx: int, net_dict: dict, history: list[dict]) -> dict | None:
    """:param history: scores of all epochs before this index"""
    costs = [record["dev"]["cost:output"] for record in history]
    lowest = [min(costs[first : first + EPOCHS_PER_INDEX]) for first in range(0, len(costs), EPOCHS_PER_INDEX)]
    if len(lowest) > 1 and lowest[-1] > WORTH_A_LAYER * lowest[-2]:
        return None
    return network(layers=idx + 1, width=80, dropout=0.1) if idx < MAX_LAYERS else None


async def adaptive() -> None:
    name, rqmt = "g2p.adaptive", training_rqmt(cpu=2, mem=4, time=2)
    lexicon = CmuDictLexiconJob(num_words=20_000)
    training = await lay_out_adaptive(
        name,
        network=network(MAX_LAYERS, width=80, dropout=0.1),
        pretrain={
            "construction_algo": construction_algo,
            "repetitions": {"default": EPOCHS_PER_INDEX, "final": 0},  # the last network is trained further
            "copy_param_mode": "subset",
        },
        num_epochs=12,
        config={
            "batch_size": 1500,
            "max_seqs": 100,
            "batching": "laplace:.1000",
            "learning_rate": 0.003,
            "learning_rates": {10: 0.002, 11: 0.001, 12: 0.0005},
            "optimizer": {"class": "adam", "epsilon": 1e-8},
            "gradient_clip_global_norm": 5.0,
            "use_normalized_loss": True,
        },
        rqmt=rqmt,
        **data(lexicon),
    )
    search = ctc_search(training, lexicon, rqmt)
    evaluate(name, training, lexicon, search, "Grapheme-to-phoneme: layers are added until the dev score says stop.")
