"""Runs RETURNN's tasks `search`, `forward` and `compute_priors`."""


def run(task, options, params, data, output):
    """
    :param task: name of the task
    :param options: of the config
    :param params: path → array, for the network
    :param data: options of the data set
    :param output: file that the task writes
    """
    from returnn.config import Config, set_global_config
    from returnn.datasets.basic import init_dataset
    from returnn.tf.engine import Engine

    config = Config({"task": task, "allow_random_model_init": True, "output_file": output, **options})
    set_global_config(config)
    engine = Engine(config)
    engine.use_search_flag = task == "search"
    engine.init_network_from_config(config)
    for variable in engine.network.get_params_list():
        variable.load(params[variable.name.removesuffix(":0")], engine.tf_session)
    dataset = init_dataset(data)
    if task == "search":
        engine.search(
            dataset,
            do_eval=False,
            output_layer_names=options["search_output_layer"],
            output_file=output,
            output_file_format=options["search_output_file_format"],
        )
    elif task == "forward":
        dataset.init_seq_order(epoch=1)
        engine.forward_to_hdf(data=dataset, output_file=output, batch_size=options["batch_size"])
    else:
        engine.compute_priors(dataset=dataset, config=config)
    engine.finalize()
