"""Sequences, batches and labels of RETURNN's `OggZipDataset` and vocabularies: `returnn_audio.py CASES RESULTS`, both pickled.

`{"data": description, "epochs": n, "batches": options}` → for each epoch, the sequences as (tag, arrays by key), and the tags
of each batch; `{"vocab": options, "texts": […], "seed": …}` → its labels, and the indices of each text. An exception becomes
its text.
"""

import pickle
import sys


def main(cases_file, results_file):
    from returnn.log import log

    log.initialize(verbosity=[0])
    with open(cases_file, "rb") as file:
        cases = pickle.load(file)
    results = []
    for case in cases:
        try:
            results.append(vocabulary(**case) if "vocab" in case else epochs(**case))
        except Exception as error:
            results.append(f"{type(error).__name__}: {error}")
    with open(results_file, "wb") as file:
        pickle.dump(results, file)


def vocabulary(vocab, texts, seed):
    from returnn.datasets.util.vocabulary import Vocabulary

    found = Vocabulary.create_vocab(**vocab)
    found.set_random_seed(seed)
    return {"labels": list(found.labels), "ids": [[int(i) for i in found.get_seq(text)] for text in texts]}


def epochs(data, epochs, batches):
    from returnn.datasets import init_dataset

    dataset = init_dataset(data)
    result = []
    for epoch in range(1, epochs + 1):
        dataset.init_seq_order(epoch=epoch)
        generator = dataset.generate_batches(recurrent_net=True, **batches)
        formed, sequences = [], []
        while generator.has_more():
            (batch,) = generator.peek_next_n(1)
            dataset.load_seqs(batch.start_seq, batch.end_seq)
            formed.append([dataset.get_tag(seq.seq_idx) for seq in batch.seqs])
            for seq in batch.seqs:
                keys = [key for key in dataset.get_data_keys() if key != "raw"]
                arrays = {key: dataset.get_data(seq.seq_idx, key) for key in keys}
                sequences.append((dataset.get_tag(seq.seq_idx), arrays))
            generator.advance(1)
        result.append({"sequences": sequences, "batches": formed})
    return result


if __name__ == "__main__":
    main(*sys.argv[1:])
