"""Grapheme-to-phoneme conversion on CMUdict with the encoder-decoder of config/attention_network.py, grown in depth and width.

    boulder run config/g2p_attention.attention_demo     20,000 words, three minutes on two cores; test PER about 8 %
    boulder run config/g2p_attention.attention          all words, for a GPU or a night on a many-core CPU

Pretraining: index 0 has one BLSTM layer of half the width. Each index adds a layer and widens the encoder. There is no dropout,
and the encoder has an additional CTC loss. The full network drops the CTC loss and adds label smoothing. This follows the
published speech setups. Test words are decoded by beam search.
"""

from dataclasses import replace

from config.attention_network import Size, network
from config.g2p import FRAMES_PER_LETTER, evaluate
from jobs.beam_search import BeamSearchJob
from jobs.cmudict_lexicon import CmuDictLexiconJob
from jobs.lexicon_to_hdf import LETTERS_TO_TARGETS, LexiconToHdfJob, WordsToHdfJob
from jobs.pipeline import lay_out
from jobs.rqmt import training_rqmt

CTC_SCALE = 0.5
LABEL_SMOOTHING = 0.1


def construction_algo(size: Size):
    """:return: RETURNN's `construction_algo`, from one encoder layer at half width to the full encoder, with CTC loss"""

    def algo(idx: int, net_dict: dict) -> dict | None:
        if idx == size.layers:
            return None
        width = size.encoder // 2 + size.encoder // 2 * idx // max(1, size.layers - 1)
        small = replace(size, layers=idx + 1, encoder=width, dropout=0.0)
        net = network(small, ctc_scale=CTC_SCALE, label_smoothing=0.0)
        return net | {"#repetitions": 2 if idx == 0 else 1}

    return algo


def experiment(
    name: str, *, num_words: int | None, size: Size, num_epochs: int, config: dict, rqmt: dict, description: str
) -> None:
    """Lays out data, training, beam search on the test words, scoring and the report."""
    lexicon = CmuDictLexiconJob(num_words=num_words)
    train, dev = (
        LexiconToHdfJob(lexicon=part, frames_per_letter=FRAMES_PER_LETTER, with_end=True).out_hdf
        for part in (lexicon.out_train, lexicon.out_dev)
    )
    training = lay_out(
        name,
        network=network(size, ctc_scale=0.0, label_smoothing=LABEL_SMOOTHING),
        pretrain={"construction_algo": construction_algo(size), "repetitions": 1, "copy_param_mode": "subset"},
        num_epochs=num_epochs,
        config=config,
        extern_data=LETTERS_TO_TARGETS,
        train_data=train,
        dev_data=dev,
        rqmt=rqmt,
    )
    search = BeamSearchJob(
        checkpoint=training.checkpoint,
        extern_data=LETTERS_TO_TARGETS,
        data=[WordsToHdfJob(lexicon=lexicon.out_test).out_hdf],
        attention_layer="output/att_weights",
        functions=training.functions,
        rqmt=rqmt | {"time": 1},
    )
    evaluate(name, training, lexicon, search, description, attention=search.out_attention)


def attention_demo() -> None:
    """Small network on 20,000 words; takes minutes on two cores."""
    experiment(
        "g2p.attention_demo",
        num_words=20_000,
        size=Size(layers=2, encoder=96, decoder=128, dropout=0.2),
        num_epochs=12,
        config={
            "batch_size": 1500,
            "max_seqs": 100,
            "batching": "laplace:.1000",
            "learning_rates": [0.003] * 8 + [0.002, 0.001, 0.0005, 0.00025],
            "use_learning_rate_control_always": True,
            "optimizer": {"class": "adam", "epsilon": 1e-8},
            "gradient_clip_global_norm": 5.0,
            "use_normalized_loss": True,
        },
        rqmt=training_rqmt(cpu=2, mem=4, time=2),
        description="Grapheme-to-phoneme on 20,000 words of CMUdict: an encoder-decoder with attention, for two cores.",
    )


def attention() -> None:
    """Full network on all words."""
    experiment(
        "g2p.attention",
        num_words=None,
        size=Size(layers=4, encoder=512, decoder=512, dropout=0.3),
        num_epochs=30,
        config={
            "batch_size": 4000,
            "max_seqs": 200,
            "batching": "laplace:.1000",
            "learning_rates": [0.001] * 15 + [0.001 * 0.8**n for n in range(1, 16)],
            "use_learning_rate_control_always": True,
            "optimizer": {"class": "adam", "epsilon": 1e-8},
            "gradient_clip_global_norm": 5.0,
            "use_normalized_loss": True,
        },
        rqmt=training_rqmt(cpu=8, mem=8, time=24),
        description="Grapheme-to-phoneme on all of CMUdict: an encoder-decoder with attention.",
    )
