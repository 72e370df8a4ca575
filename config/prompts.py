"""Speech recognition on the telephone prompts of Debian's Asterisk packages: a CTC network that grows in depth while its time
reduction is relaxed.

    boulder run config/prompts.demo     English, 19 minutes of speech; at most 15 minutes on two cores; test CER 15.4 %
    boulder run config/prompts.py       English, Spanish, French, Italian and Russian together, for a GPU; not yet trained
    boulder run config/prompts.tts      speech synthesis on the same data, see config/prompts_tts.py

The network follows the RETURNN speech setups: log mel features → convolution → max pooling over time → residual blocks of
convolutions → softmax over characters and the blank, with CTC loss. Pretraining: index 0 has few blocks, which see every fourth
frame. Later indices add blocks and relax the reduction to every third frame (to every second in `py`; on the little data of
`demo`, that trained worse: a dev CER of 40 % instead of 31 % after 18 epochs). Dropout of whole frames and of whole mel bands,
as a simple SpecAugment (Park et al. 2019), grows with the network.

The recordings are of one speaker per language: about 27 minutes each, WAV with 8 kHz, from the packages
`asterisk-core-sounds-LANGUAGE-wav`; their texts are in `asterisk-core-sounds-LANGUAGE`. A job fetches both by `apt-get download`
and unpacks them, without root. Without apt or a network, name a folder that has the packages as files, or unpacked:

    boulder run "config/prompts.demo('folder')"

The recordings and texts are not part of Boulder. English, Spanish and French: © Allison Smith and June Wallack,
CC BY-SA 3.0; Italian and Russian: © Carlo Flora and Maxim Topal, CC BY 3.0.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from boulder.speech import LANGUAGES, characters, language
from boulder.speech.prompts import SOUNDS
from config import prompts_tts
from jobs.ctc_pictures import CtcPicturesJob
from jobs.ctc_search import CtcSearchJob
from jobs.debian_packages import DebianPackagesJob
from jobs.feature_statistics import FeatureStatisticsJob
from jobs.forward import ForwardJob
from jobs.ogg_zip import OggZipJob
from jobs.pipeline import lay_out
from jobs.prompt_transcripts import PromptTranscriptsJob
from jobs.report import ReportJob
from jobs.rqmt import training_rqmt
from jobs.transcript_scoring import TranscriptScoringJob
from sisyphus import tk

STEP = 0.01  # seconds between two frames
FEATURES = {
    "features": "log_mel_filterbank",
    "num_feature_filters": 40,
    "sample_rate": 8000,
    "window_len": 0.025,
    "step_len": STEP,
}
EACH_ENTRY = {"*": None}  # an independent dropout mask per entry; by RETURNN's default, all frames of a batch share one
EACH_FRAME = {"B": None, "T": None, "F": 1}  # a frame is dropped as a whole
EACH_BAND = {"B": None, "T": 1, "F": None}  # a mel band is dropped in the whole sequence

DEMO_WIDTH = 192
DEMO_RATES = [0.001] * 40 + [0.001 * 0.9**n for n in range(1, 31)]


@dataclass(frozen=True)
class Prompts:
    """
    Recordings as data sets.

    :param extern_data: streams `data` (features) and `classes` (characters)
    :param train, dev, test: descriptions of the data sets; no text is in two of them
    :param transcripts: of the test set
    :param vocabulary: file of the characters
    """

    extern_data: dict
    train: dict
    dev: dict
    test: dict
    transcripts: tk.Path
    vocabulary: tk.Path


def prompts(languages: Sequence[str], folder: str | None = None) -> Prompts:
    """
    Lays out the jobs from the packages to normalised features.

    :param languages: codes, see `boulder.speech.LANGUAGES`
    :param folder: with the packages, see `DebianPackagesJob`; None: fetch them
    """
    packages = [
        package for code in languages for package in (language(code).texts_package, language(code).sounds_package)
    ]
    root = DebianPackagesJob(packages=packages, folder=folder and tk.Path(folder)).out_root
    texts = PromptTranscriptsJob(root=root, languages=languages)
    labels = {"class": "CharacterTargets", "vocab_file": texts.out_vocabulary, "unknown_label": None}

    def dataset(transcripts: tk.Path, **normalisation: tk.Path) -> dict:
        zipped = OggZipJob(transcripts=transcripts, audio=root.join_right(SOUNDS)).out_zip
        return {"class": "OggZipDataset", "path": zipped, "audio": FEATURES | normalisation, "targets": labels}

    statistics = FeatureStatisticsJob(data=dataset(texts.out_train))
    train, dev, test = (
        dataset(transcripts, norm_mean=statistics.out_mean, norm_std_dev=statistics.out_std_dev)
        for transcripts in (texts.out_train, texts.out_dev, texts.out_test)
    )
    return Prompts(
        extern_data={
            "data": {"dim": FEATURES["num_feature_filters"]},
            "classes": {"dim": len(characters(languages)), "sparse": True},
        },
        train=train,
        dev=dev,
        test=test,
        transcripts=texts.out_test,
        vocabulary=texts.out_vocabulary,
    )


@dataclass(frozen=True)
class Stage:
    """
    Size of the network at an index.

    :param blocks: number of residual blocks
    :param reduction: number of frames that become one
    :param dropout: dropout rate in each block and before the softmax
    :param masking: rate at which frames, and mel bands, are dropped
    :param epochs: number of epochs; the last stage, which is the full network, takes the rest
    """

    blocks: int
    reduction: int
    dropout: float
    masking: float
    epochs: int = 0


def network(stage: Stage, width: int) -> dict:
    """
    :param width: number of features of each block
    :return: net dict
    """
    net = {
        "bands": {"class": "copy", "from": "data", "dropout": stage.masking, "dropout_noise_shape": EACH_BAND},
        "front": {
            "class": "conv", "from": "bands", "filter_size": [5], "padding": "same", "n_out": width,
            "activation": "relu", "with_bias": True,
        },
        "reduced": {
            "class": "pool", "from": "front", "mode": "max", "pool_size": [stage.reduction], "padding": "same",
        },
        "frames": {"class": "copy", "from": "reduced", "dropout": stage.masking, "dropout_noise_shape": EACH_FRAME},
    }  # fmt: skip
    source = "frames"
    for block in range(stage.blocks):
        name = f"block{block}"
        net[f"{name}_norm"] = {"class": "layer_norm", "from": source}
        net[f"{name}_conv"] = {
            "class": "conv", "from": f"{name}_norm", "filter_size": [9], "padding": "same", "n_out": width,
            "activation": "relu", "with_bias": True, "dropout": stage.dropout, "dropout_noise_shape": EACH_ENTRY,
        }  # fmt: skip
        net[name] = {"class": "combine", "kind": "add", "from": [source, f"{name}_conv"]}
        source = name
    net["norm"] = {"class": "layer_norm", "from": source}
    net["output"] = {
        "class": "softmax", "from": "norm", "loss": "ctc", "target": "classes",
        "dropout": stage.dropout, "dropout_noise_shape": EACH_ENTRY,
    }  # fmt: skip
    return net


def construction_algo(stages: Sequence[Stage], width: int) -> Callable[[int, dict], dict | None]:
    """:return: RETURNN's `construction_algo`: an index for each stage but the last"""

    def algo(idx: int, net_dict: dict) -> dict | None:
        if idx == len(stages) - 1:
            return None
        return network(stages[idx], width) | {"#repetition": stages[idx].epochs}

    return algo


def recogniser(
    name: str,
    *,
    languages: Sequence[str],
    folder: str | None,
    stages: Sequence[Stage],
    width: int,
    learning_rates: Sequence[float],
    config: dict,
    rqmt: dict,
    description: str,
) -> None:
    """
    Lays out data, training, search on the test prompts, scoring and the report.

    :param learning_rates: of all epochs
    """
    data = prompts(languages, folder)
    training = lay_out(
        name,
        network=network(stages[-1], width),
        pretrain={"construction_algo": construction_algo(stages, width), "copy_param_mode": "subset"},
        num_epochs=len(learning_rates),
        config={
            "batching": "laplace:.1000",
            "learning_rates": list(learning_rates),
            "use_learning_rate_control_always": True,  # also during pretraining
            "optimizer": {"class": "adam", "epsilon": 1e-8},
            "gradient_clip_global_norm": 5.0,
            "use_normalized_loss": True,
            **config,
        },
        extern_data=data.extern_data,
        train_data=data.train,
        dev_data=data.dev,
        rqmt=rqmt,
    )
    on_test = {
        "checkpoint": training.checkpoint,
        "extern_data": data.extern_data,
        "data": data.test,
        "functions": training.functions,
        "rqmt": rqmt | {"time": 1},
    }
    search = CtcSearchJob(**on_test)
    scoring = TranscriptScoringJob(
        hypotheses=search.out_hypotheses, transcripts=data.transcripts, vocabulary=data.vocabulary
    )
    forward = ForwardJob(
        **on_test,
        layers={"data": "output", "features": "data:data", "classes": "data:classes"},
        labels={"classes": list(characters(languages))},
    )
    report = ReportJob(
        title=name,
        description=description,
        phases=training.rows,
        scores=training.scores,
        growth=training.growth,
        word_errors=[scoring.out_character_rates, scoring.out_word_rates],
        words=scoring.out_examples,
        recordings=[CtcPicturesJob(forward=forward.out_hdf, seconds_per_frame=STEP).out_recordings],
    )
    search.add_alias(f"{name}/search")
    report.add_alias(f"{name}/report")
    tk.register_output(f"{name}/checkpoint.h5", training.checkpoint)
    tk.register_output(f"{name}/error_rates.txt", scoring.out_summary)
    tk.register_output(f"{name}/report.html", report.out_report)
    tk.register_output(f"{name}/learning_curves.svg", report.out_curves)


def demo(folder: str | None = None) -> None:
    """English; takes minutes on two cores."""
    recogniser(
        "prompts.demo",
        languages=["en"],
        folder=folder,
        stages=[
            Stage(blocks=2, reduction=4, dropout=0.1, masking=0.0, epochs=6),
            Stage(blocks=4, reduction=3, dropout=0.2, masking=0.1, epochs=6),
            Stage(blocks=6, reduction=3, dropout=0.2, masking=0.1, epochs=6),
            Stage(blocks=6, reduction=3, dropout=0.3, masking=0.15),
        ],
        width=DEMO_WIDTH,
        learning_rates=DEMO_RATES,
        config={"batch_size": 3000, "max_seqs": 20},
        rqmt=training_rqmt(cpu=2, mem=4, time=2),
        description="Telephone prompts in English, 8 kHz: a small network for two cores.",
    )


def py(folder: str | None = None) -> None:
    """All five languages with one network."""
    recogniser(
        "prompts",
        languages=list(LANGUAGES),
        folder=folder,
        stages=[
            Stage(blocks=4, reduction=4, dropout=0.1, masking=0.0, epochs=10),
            Stage(blocks=8, reduction=3, dropout=0.2, masking=0.1, epochs=10),
            Stage(blocks=12, reduction=2, dropout=0.2, masking=0.1, epochs=10),
            Stage(blocks=12, reduction=2, dropout=0.3, masking=0.2),
        ],
        width=512,
        learning_rates=[0.0005] * 100 + [0.0005 * 0.95**n for n in range(1, 61)],
        config={"batch_size": 12_000, "max_seqs": 60},
        rqmt=training_rqmt(cpu=4, mem=8, time=12),
        description="Telephone prompts in English, Spanish, French, Italian and Russian, 8 kHz.",
    )


def tts(folder: str | None = None) -> None:
    """Speech synthesis in English; takes minutes on two cores."""
    prompts_tts.tts(folder)


def tts_large(folder: str | None = None) -> None:
    """The same for a GPU."""
    prompts_tts.tts_large(folder)
