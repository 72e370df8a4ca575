"""Orders and batches of RETURNN's data sets: JSON in, JSON out. `{"data": description, "batches": options, "epochs": n,
"keys": used data keys, "recurrent": …}` → for each epoch, the order as indices, and each batch as a list of slices
`[tag, {key: [start, end]}]`; or "error", if RETURNN raises one.

As its engine, it keeps the batches where the data set says so and the order stays the same.
"""

import json
import sys


def main():
    from returnn.log import log
    from returnn.util.basic import NumbersDict

    log.initialize(verbosity=[0])
    print(json.dumps([result(case, NumbersDict) for case in json.load(sys.stdin)]))  # RETURNN prints on other lines


def result(case, numbers):
    try:
        return epochs(numbers=numbers, **case)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def epochs(data, batches, epochs, numbers, keys=None, recurrent=True):
    from returnn.datasets import init_dataset
    from returnn.datasets.meta import EpochWiseFilter

    data, options = described(data), dict(batches)
    of_epochs = EpochWiseFilter(data.pop("epoch_wise_filter", {}))
    freq = options.pop("seq_drop_freq", 10)
    for name in ("max_seq_length", "min_seq_length"):
        if isinstance(options.get(name), dict):
            options[name] = numbers(options[name])
    dataset = init_dataset(data)
    generator, found = None, []
    for epoch in range(1, epochs + 1):
        if epoch % freq == 0 and options.get("seq_drop", 0.0) > 0.0:
            generator = None
        changed = dataset.init_seq_order(epoch=epoch)
        if of_epochs.epochs_opts:  # which HDFDataset lacks
            length = lambda seq: dataset._get_seq_length_by_real_idx(seq)[0]  # noqa: E731
            order = [int(i) for i in of_epochs.filter(epoch, dataset.get_current_seq_order(), length)]
            dataset.init_seq_order(epoch=epoch, seq_order=order)
            changed = not found or found[-1]["order"] != order
        if changed:
            generator = None
        if generator is None or not dataset.batch_set_generator_cache_whole_epoch():
            used = set(keys) if keys is not None else None
            generator = dataset.generate_batches(recurrent_net=recurrent, used_data_keys=used, **options)
        else:
            generator.reset()
        formed = []
        while generator.has_more():
            (batch,) = generator.peek_next_n(1)
            dataset.load_seqs(batch.start_seq, batch.end_seq)
            formed.append([piece(dataset, seq, keys) for seq in batch.seqs])
            generator.advance(1)
        found.append({"order": [int(i) for i in dataset.get_current_seq_order()], "batches": formed})
    return found


def described(data):
    """:return: the description, with the epochs of `epoch_wise_filter` as tuples and a NumPy-free copy of all else"""
    data = dict(data)
    if "epoch_wise_filter" in data:
        data["epoch_wise_filter"] = {tuple(epochs): options for epochs, options in data["epoch_wise_filter"]}
    if isinstance(data.get("chunking"), list):
        data["chunking"] = tuple(data["chunking"])
    return data


def piece(dataset, seq, keys):
    lengths = dataset.get_seq_length(seq.seq_idx)
    keys = lengths.keys() if keys is None else keys
    start, end = seq.seq_start_frame, seq.seq_end_frame
    return [dataset.get_tag(seq.seq_idx), {key: [int(start[key]), int(end[key])] for key in keys}]


if __name__ == "__main__":
    main()
