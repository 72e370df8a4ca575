"""Sequences of RETURNN's data sets: `returnn_readers.py CASES RESULTS`. Both files hold pickled lists: (description, number of
epochs) → for each epoch, a list of (tag, {key: array}); or a text, if RETURNN raises an error.
"""

import pickle
import sys


def main(cases_file, results_file):
    from returnn.log import log

    log.initialize(verbosity=[0])
    with open(cases_file, "rb") as file:
        cases = pickle.load(file)
    results = [result(*case) for case in cases]
    with open(results_file, "wb") as file:
        pickle.dump(results, file)


def result(description, epochs):
    from returnn.datasets import init_dataset
    from returnn.datasets.meta import CombinedDataset

    # with `sampling_sizes`, its own initialisation divides by the number of sequences of no epoch, which is 0
    CombinedDataset.initialize = lambda self: (self._base_init(), self.init_seq_order(epoch=1))
    try:
        dataset = init_dataset(description)
        return [sequences(dataset, epoch) for epoch in range(1, epochs + 1)]
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def sequences(dataset, epoch):
    from returnn.datasets.lm import LmDataset

    dataset.init_seq_order(epoch=epoch)
    found, index = [], 0
    while dataset.is_less_than_num_seqs(index):
        dataset.load_seqs(index, index + 1)
        if isinstance(dataset, LmDataset) and dataset._get_seq(index) is None:  # some were skipped
            break
        found.append((dataset.get_tag(index), {key: dataset.get_data(index, key) for key in dataset.get_data_keys()}))
        index += 1
    dataset.finish_epoch()
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
