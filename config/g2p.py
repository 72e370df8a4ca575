"""Grapheme-to-phoneme conversion on CMUdict: a CTC network of BLSTM layers that grows layer by layer.

    boulder run config/g2p.demo     20,000 words, minutes on two cores; test PER about 9 %
    boulder run config/g2p.py       all 124,926 words at full width, for a GPU or a night on a many-core CPU

The network follows the RETURNN speech setups: embedding → repeat ×2 → BLSTM layers → softmax over 39 phonemes and the blank,
with CTC loss. Frames are letters. Each letter is repeated, since a letter such as x may be several phonemes.
Pretraining: index 0 has one BLSTM layer of half the width and no dropout. Each index adds a layer and widens all layers.
config/g2p_attention.py solves the same task with an encoder-decoder.
"""

from dataclasses import dataclass

from jobs.cmudict_lexicon import CmuDictLexiconJob
from jobs.ctc_search import CtcSearchJob
from jobs.laid_out import Pipeline
from jobs.lexicon_to_hdf import LETTERS_TO_PHONEMES, LexiconToHdfJob, WordsToHdfJob
from jobs.pipeline import lay_out
from jobs.pronunciation_scoring import PronunciationScoringJob
from jobs.report import ReportJob
from jobs.rqmt import training_rqmt
from sisyphus import tk

FRAMES_PER_LETTER = 2
EACH_ENTRY = {"*": None}  # an independent dropout mask per entry; by RETURNN's default, all frames of a batch share one


@dataclass(frozen=True)
class Size:
    """
    :param layers: number of BLSTM layers of the full network
    :param width: units per direction in the full network
    :param dropout: dropout rate before each BLSTM layer and the softmax
    """

    layers: int
    width: int
    dropout: float


def network(layers: int, width: int, dropout: float) -> dict:
    """
    :param layers: number of BLSTM layers
    :param width: units per direction
    :return: net dict
    """
    net = {
        "embedding": {"class": "linear", "from": "data", "n_out": 64, "activation": None, "with_bias": False},
        "frames": {"class": "repeat", "from": "embedding", "repetitions": FRAMES_PER_LETTER},
    }
    source = ["frames"]
    for layer in range(layers):
        names = [f"lstm{layer}_fw", f"lstm{layer}_bw"]
        for name, direction in zip(names, (1, -1), strict=True):
            net[name] = {
                "class": "rec", "unit": "nativelstm2", "from": source, "n_out": width, "direction": direction,
                "dropout": dropout, "dropout_noise_shape": EACH_ENTRY,
            }  # fmt: skip
        source = names
    net["output"] = {
        "class": "softmax", "from": source, "loss": "ctc", "target": "classes",
        "dropout": dropout, "dropout_noise_shape": EACH_ENTRY,
    }  # fmt: skip
    return net


def construction_algo(size: Size, first_batch_size: int):
    """:return: RETURNN's `construction_algo`, from one layer at half width to the full network without dropout"""

    def algo(idx: int, net_dict: dict) -> dict | None:
        if idx == size.layers:
            return None
        width = size.width // 2 + size.width // 2 * idx // max(1, size.layers - 1)
        net = network(layers=idx + 1, width=width, dropout=0.0)
        if idx == 0:
            net["#config"] = {"batch_size": first_batch_size}
            net["#repetitions"] = 2  # the first index starts from random parameters
        return net

    return algo


def experiment(
    name: str, *, num_words: int | None, size: Size, num_epochs: int, config: dict, rqmt: dict, description: str
) -> None:
    """Lays out data, training, search on the test words, scoring and the report."""
    lexicon = CmuDictLexiconJob(num_words=num_words)
    training = lay_out(
        name,
        network=network(size.layers, size.width, size.dropout),
        pretrain={
            "construction_algo": construction_algo(size, first_batch_size=config["batch_size"] // 2),
            "repetitions": 1,
            "copy_param_mode": "subset",
        },
        num_epochs=num_epochs,
        config=config,
        rqmt=rqmt,
        **data(lexicon),
    )
    evaluate(name, training, lexicon, ctc_search(training, lexicon, rqmt), description)


def data(lexicon: CmuDictLexiconJob) -> dict:
    """:return: `extern_data` and the data sets, as arguments of `lay_out`"""
    train, dev = (
        LexiconToHdfJob(lexicon=part, frames_per_letter=FRAMES_PER_LETTER).out_hdf
        for part in (lexicon.out_train, lexicon.out_dev)
    )
    return {"extern_data": LETTERS_TO_PHONEMES, "train_data": train, "dev_data": dev}


def ctc_search(training: Pipeline, lexicon: CmuDictLexiconJob, rqmt: dict) -> CtcSearchJob:
    """:return: job that decodes the test words"""
    return CtcSearchJob(
        checkpoint=training.checkpoint,
        extern_data=LETTERS_TO_PHONEMES,
        data=[WordsToHdfJob(lexicon=lexicon.out_test).out_hdf],
        functions=training.functions,
        rqmt=rqmt | {"time": 1},
    )


def evaluate(name: str, training: Pipeline, lexicon: CmuDictLexiconJob, search, description: str, **report) -> None:
    """
    Lays out scoring and the report, and registers the outputs.

    :param search: search job on the test words
    :param report: additional arguments of `ReportJob`
    """
    scoring = PronunciationScoringJob(hypotheses=search.out_hypotheses, lexicon=lexicon.out_test)
    report_job = ReportJob(
        title=name,
        description=description,
        phases=training.rows,
        scores=training.scores,
        growth=training.growth,
        error_rates=[scoring.out_rates],
        words=scoring.out_words,
        **report,
    )
    search.add_alias(f"{name}/search")
    report_job.add_alias(f"{name}/report")
    tk.register_output(f"{name}/checkpoint.h5", training.checkpoint)
    tk.register_output(f"{name}/error_rates.txt", scoring.out_summary)
    tk.register_output(f"{name}/report.html", report_job.out_report)
    tk.register_output(f"{name}/learning_curves.svg", report_job.out_curves)


def demo() -> None:
    """Small network on 20,000 words; takes minutes on two cores."""
    experiment(
        "g2p.demo",
        num_words=20_000,
        size=Size(layers=3, width=80, dropout=0.1),
        num_epochs=8,
        config={
            "batch_size": 1500,
            "max_seqs": 100,
            "batching": "laplace:.1000",
            "learning_rates": [0.003, 0.003, 0.003, 0.003, 0.003, 0.002, 0.001, 0.0005],
            "use_learning_rate_control_always": True,  # also during pretraining
            "optimizer": {"class": "adam", "epsilon": 1e-8},
            "gradient_clip_global_norm": 5.0,
            "use_normalized_loss": True,
        },
        rqmt=training_rqmt(cpu=2, mem=4, time=2),
        description="Grapheme-to-phoneme on 20,000 words of CMUdict: a small network for two cores.",
    )


def py() -> None:
    """Full network on all words."""
    experiment(
        "g2p",
        num_words=None,
        size=Size(layers=4, width=512, dropout=0.2),
        num_epochs=30,
        config={
            "batch_size": 4000,
            "max_seqs": 200,
            "batching": "laplace:.1000",
            "learning_rates": [0.001] * 15 + [0.001 * 0.8**n for n in range(1, 16)],
            "use_learning_rate_control_always": True,  # also during pretraining
            "optimizer": {"class": "adam", "epsilon": 1e-8},
            "gradient_clip_global_norm": 5.0,
            "use_normalized_loss": True,
        },
        rqmt=training_rqmt(cpu=8, mem=8, time=24),
        description="Grapheme-to-phoneme on all of CMUdict.",
    )
