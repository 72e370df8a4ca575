"""Functions in descriptions of data sets, the same ones for RETURNN and Boulder."""

import numpy as np


def slower_or_faster(audio, sample_rate, random_state):
    """Every sequence draws a number, those at 16 kHz two."""
    step = random_state.randint(1, 4)
    shift = random_state.randint(0, 9) if sample_rate == 16000 else 0
    return audio[shift::step].copy()


def energies(audio, sample_rate, window_len, step_len, num_feature_filters, random_state):
    size = int(step_len * sample_rate)
    frames = audio[: len(audio) // size * size].reshape(-1, size)
    offset = random_state.uniform(-1, 1)
    return np.tile((frames**2).mean(axis=1, keepdims=True) + offset, (1, num_feature_filters)).astype("float32")


def every_other(features, seq_name):
    return features[len(seq_name) % 2 :: 2]


def without_vowels(text):
    return "".join(c for c in text if c not in "aeiou")
