"""Reports of a pipeline of four phases: finished and unfinished."""

import math

import pytest


def say(phonemes: str) -> list[str]:
    return phonemes.split()


def _phase(phase, index, first, last, params, **more):
    return {
        "phase": phase, "index": index, "first_epoch": first, "last_epoch": last, "is_pretrain": True,
        "num_params": params, "num_layers": 4 + phase, **more,
    }  # fmt: skip


def _finished() -> dict:
    growth = {"copied": 4, "grown": 6, "initialised": 3, "dropped": 0}
    wider = {f"lstm0_{side}": ["n_out: 64 → 128"] for side in ("fw", "bw")}
    phases = [
        _phase(0, 0, 1, 2, 58_920, added=["embed", "repeat", "lstm0_fw", "lstm0_bw", "output"], seconds=41.3,
               config={"batch_size": 4000}, job="jobs/training/PhaseTrainingJob.0aB3dE5fG7hI"),
        _phase(1, 1, 3, 4, 235_048, added=["lstm1_fw", "lstm1_bw"], seconds=63.0, growth=growth,
               changed={"output": ["from: lstm0_fw, lstm0_bw → lstm1_fw, lstm1_bw"]}),
        _phase(2, 2, 5, 6, 734_760, changed=wider, removed=["aux_output"], growth=growth, seconds=96.6,
               copy_param_mode="subset", config={"learning_rate": 0.0005, "#spec": {"max_seqs": [1, 2]}}),
        _phase(3, None, 7, 15, 1_124_904, added=["dropout"], growth=growth, seconds=811.0,
               changed={"lstm1_fw": ["dropout: 0 → 0.1"], "lstm1_bw": ["dropout: 0 → 0.1"]}),
    ]  # fmt: skip
    scores = []
    for row in phases:
        for epoch in range(row["first_epoch"], row["last_epoch"] + 1):
            cost = 2.3 * math.exp(-epoch / 4) + 0.24 + (0.25 if epoch in (3, 5, 7) else 0)
            dev = cost * 1.04 + 0.012 * max(0, epoch - 8)
            scores.append({
                "epoch": epoch, "index": row["index"], "phase": row["phase"],
                "learning_rate": 0.001 if epoch < 10 else 0.001 * 0.6 ** (epoch - 9),
                "train": {"cost:output": cost, "error:output": cost / 3}, "dev": {"cost:output": dev, "error:output": dev / 2.8},
                "seconds": 22.0 + 9 * row["phase"], "steps": 210 - 10 * row["phase"], "frames": 301_234,
            })  # fmt: skip
    return {
        "title": "G2P on CMUdict, demo",
        "description": "Letters in, 39 phonemes out. A bidirectional LSTM with CTC, grown from one layer at half "
        "width to two at full width, one job per index.",
        "created": "2026-11-22 18:40",
        "phases": phases,
        "scores": scores,
        "error_rates": [
            {"name": "dev", "per": 0.0913, "wer": 0.381, "words": 1029, "phonemes": 6412, "edits": 585},
            {"name": "test", "per": 0.0972, "wer": 0.4026, "words": 1011, "phonemes": 6337, "edits": 616},
        ],
        "examples": [
            {"word": "boulder", "hypothesis": say("B OW L D ER"), "references": [say("B OW L D ER")], "edits": 0},
            {"word": "phlegm", "hypothesis": say("F L EH G M"), "references": [say("F L EH M")], "edits": 1},
            {"word": "colonel", "hypothesis": say("K AA L AH N AH L"), "references": [say("K ER N AH L")], "edits": 3},
            {"word": "chrysanthemum", "hypothesis": say("K R IH S AE N TH M AH M"),
             "references": [say("K R AH S AE N TH AH M AH M"), say("K R IH S AE N TH AH M AH M")], "edits": 1},
            {"word": "d'oeuvre", "hypothesis": say("D UW V R ER"), "references": [say("D ER V R AH")], "edits": 2},
            {"word": "psalm", "hypothesis": [], "references": [say("S AA M")], "edits": 3},
        ],
        "environment": {"boulder": "0.1.0", "tensorflow": "2.21.0", "python": "3.11.9", "cpus": 2, "deterministic": True},
    }  # fmt: skip


@pytest.fixture(scope="session")
def finished_html() -> str:
    from boulder.report import render

    return render(_finished())


@pytest.fixture
def finished() -> dict:
    return _finished()


@pytest.fixture
def unfinished() -> dict:
    return _unfinished()


@pytest.fixture(scope="session")
def unfinished_html() -> str:
    from boulder.report import render

    return render(_unfinished())


def _unfinished() -> dict:
    """Three of fifteen epochs, one without dev scores, and no error rates or examples."""
    report = _finished()
    report["scores"] = report["scores"][:3]
    report["scores"][1]["dev"] = {"cost:output": math.nan, "error:output": None}
    for row in report["phases"][1:]:
        row.update(seconds=None, growth=None)
    for key in ("error_rates", "examples", "created"):
        del report[key]
    return report
