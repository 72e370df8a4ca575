from ours.config_object import CodeWrapper, ReturnnConfig
from ours.data import FramesJob

from jobs.train_returnn import train_returnn
from sisyphus import tk


def transform(x, network):
    return network.cond_on_train(lambda: x.placeholder * scale, lambda: x.placeholder)  # noqa: F821 (in the epilog)


def layers(width):
    return {
        "augmented": {
            "class": "eval",
            "from": "data",
            "eval": "self.network.get_config().typed_value('transform')(source(0, as_data=True), network=self.network)",
        },
        "hidden": {"class": "linear", "activation": "tanh", "n_out": width, "from": "augmented"},
        "output": {"class": "softmax", "from": "hidden", "loss": "ce", "target": "classes"},
    }


def py(num_epochs=4, width=6, verbosity=3):
    train, dev = FramesJob(40).out_hdf, FramesJob(10).out_hdf
    config = ReturnnConfig(
        {
            "extern_data": {"data": {"dim": 5}, "classes": {"dim": 2, "sparse": True}},
            "train": {"class": "HDFDataset", "files": [train], "seq_ordering": "laplace:.1000"},
            "dev": {"class": "HDFDataset", "files": [dev]},
            "optimizer": {"class": "adam", "epsilon": 1e-8},
            "learning_rate": CodeWrapper("numpy.float64(0.02) / 2"),
            "batch_size": 100,
            "max_seqs": 10,
        },
        {"cleanup_old_models": True, "log_verbosity": verbosity},
        {1: layers(3), 3: layers(width)},
        python_prolog=["import numpy", transform],
        python_epilog="scale = 0.5",
    )

    training = train_returnn(config, num_epochs=num_epochs, keep_epochs=[1], device="cpu", mem_rqmt=1, cpu_rqmt=1)

    training.add_alias("train")
    tk.register_output("train/learning_rates", training.out_learning_rates)
    tk.register_output("train/returnn.config", training.out_returnn_config_file)
    tk.register_output("train/scores.png", training.out_plot_se)
    tk.register_output("train/epoch.001.h5", training.out_checkpoints[1])
    tk.register_output("train/checkpoint.h5", training.out_checkpoints[num_epochs])
