"""Speech synthesis on the prompts of config/prompts.py, with RETURNN's own example of a dynamic network.

    boulder run config/prompts.tts          English, on two cores
    boulder run config/prompts.tts_large    the same for a GPU

RETURNN's documentation of pretraining shows a `construction_algo` that scales the loss of a layer `stop_token` in a decoder: by
0 at index 0, by 0.2 at index 1, and so on up to 1, with two epochs per index. Here it does that, and more: each index widens
the decoder, and a loss that pulls the attention to a constant speaking rate fades to a tenth.
"""

from collections.abc import Callable
from dataclasses import dataclass

from boulder.speech import characters, language
from boulder.speech.mel_frames import MelFrames
from boulder.speech.prompts import SOUNDS
from boulder.speech.synthesis_data import streams
from config.tts_network import GUIDANCE, Size, network
from jobs.debian_packages import DebianPackagesJob
from jobs.forward import ForwardJob
from jobs.griffin_lim import GriffinLimJob
from jobs.pipeline import lay_out
from jobs.prompt_transcripts import PromptTranscriptsJob
from jobs.report import ReportJob
from jobs.rqmt import training_rqmt
from jobs.synthesis_data import SynthesisDataJob
from jobs.synthesis_pictures import SynthesisPicturesJob
from sisyphus import tk

INDICES = 5
MEL = MelFrames(sample_rate=8000, window=400, step=100, filters=40, stacked=4)
FORCED, FREE = "predicted from true frames", "synthesised"


def construction_algo(size: Size) -> Callable[[int, dict], dict | None]:
    """
    :param size: of the full network, which `net_dict` is
    :return: RETURNN's `construction_algo`
    """

    def algo(idx: int, net_dict: dict) -> dict | None:
        if idx == INDICES:
            return None
        unit = net_dict["decoder"]["unit"]
        unit["stop_token"]["loss_scale"] = min(idx / INDICES, 1.0)
        unit["position"]["loss_scale"] = round(GUIDANCE * (10 - 9 * idx / INDICES), 3)
        unit["s"]["n_out"] = unit["readout"]["n_out"] = size.decoder * (INDICES + idx) // (2 * INDICES)
        return net_dict

    return algo


@dataclass(frozen=True)
class Data:
    """
    :param train, dev, test: HDF files; no text is in two of them
    """

    train: tk.Path
    dev: tk.Path
    test: tk.Path


def data(code: str, folder: str | None) -> Data:
    """
    :param code: of the language
    :param folder: with the packages, see `DebianPackagesJob`; None: fetch them
    """
    packages = [language(code).texts_package, language(code).sounds_package]
    root = DebianPackagesJob(packages=packages, folder=folder and tk.Path(folder)).out_root
    texts = PromptTranscriptsJob(root=root, languages=[code])
    train, dev, test = (
        SynthesisDataJob(
            transcripts=transcripts,
            audio=root.join_right(SOUNDS),
            characters=characters([code]),
            mel=MEL.options,
            max_seconds=8.0,
        ).out_hdf
        for transcripts in (texts.out_train, texts.out_dev, texts.out_test)
    )
    return Data(train, dev, test)


def synthesis(
    name: str,
    *,
    folder: str | None,
    size: Size,
    repetitions: int,
    learning_rates: list[float],
    config: dict,
    rqmt: dict,
) -> None:
    """
    Lays out data, training, synthesis of the test texts, Griffin-Lim and the report.

    :param repetitions: epochs of each index
    :param learning_rates: of all epochs
    """
    prompts, extern_data = data("en", folder), streams(characters(["en"]), MEL)
    training = lay_out(
        name,
        network=network(size, MEL),
        pretrain={
            "repetitions": repetitions,
            "construction_algo": construction_algo(size),
            "copy_param_mode": "subset",
        },
        num_epochs=len(learning_rates),
        config={
            "batching": "laplace:.1000",
            "learning_rates": learning_rates,
            "use_learning_rate_control_always": True,  # also during pretraining
            "optimizer": {"class": "adam", "epsilon": 1e-8},
            "gradient_clip_global_norm": 5.0,
            "use_normalized_loss": True,
            **config,
        },
        extern_data=extern_data,
        train_data=prompts.train,
        dev_data=prompts.dev,
        rqmt=rqmt,
    )
    predicted = {
        caption: ForwardJob(
            checkpoint=training.checkpoint,
            extern_data=extern_data,
            data=prompts.test,
            layers={"data": "output", "attention": "decoder/att_weights"},
            search=caption == FREE,
            functions=training.functions,
            rqmt=rqmt | {"time": 1},
        )
        for caption in (FORCED, FREE)
    }
    wavs = {"true": GriffinLimJob(spectrograms=prompts.test, stream="spectrogram", mel=MEL.options)} | {
        caption: GriffinLimJob(spectrograms=forward.out_hdf, stream="data", mel=MEL.options)
        for caption, forward in predicted.items()
    }
    pictures = SynthesisPicturesJob(
        data=prompts.test,
        predicted={caption: forward.out_hdf for caption, forward in predicted.items()},
        wavs={caption: job.out_wavs for caption, job in wavs.items()},
        mel=MEL.options,
    )
    report = ReportJob(
        title=name,
        description="Telephone prompts in English, 8 kHz, synthesised by an encoder-decoder and Griffin-Lim. No text below was "
        "in the training data.",
        phases=training.rows,
        scores=training.scores,
        growth=training.growth,
        recordings=[pictures.out_recordings],
    )
    predicted[FREE].add_alias(f"{name}/synthesis")
    report.add_alias(f"{name}/report")
    tk.register_output(f"{name}/checkpoint.h5", training.checkpoint)
    tk.register_output(f"{name}/synthesised", wavs[FREE].out_wavs)
    tk.register_output(f"{name}/report.html", report.out_report)
    tk.register_output(f"{name}/learning_curves.svg", report.out_curves)


def tts(folder: str | None = None) -> None:
    """Small network; takes minutes on two cores."""
    synthesis(
        "prompts.tts",
        folder=folder,
        size=Size(convolutions=2, encoder=64, decoder=256, prenet=64),
        repetitions=2,
        learning_rates=[0.002] * 24 + [0.001] * 8 + [0.0005] * 8,
        config={"batch_size": {"spectrogram": 1500}, "max_seqs": 24},
        rqmt=training_rqmt(cpu=2, mem=4, time=2),
    )


def tts_large(folder: str | None = None) -> None:
    """Larger network, ten times the epochs."""
    synthesis(
        "prompts.tts_large",
        folder=folder,
        size=Size(convolutions=3, encoder=256, decoder=1024, prenet=256),
        repetitions=20,
        learning_rates=[0.001] * 200 + [0.001 * 0.97**n for n in range(1, 101)],
        config={"batch_size": {"spectrogram": 3000}, "max_seqs": 32},
        rqmt=training_rqmt(cpu=4, mem=8, time=12),
    )
