"""Steps RETURNN's engine through the networks of a pretraining."""

import tempfile

import growth_functions  # beside this file


def grow(nets, pretrain, extern_data, params, fresh, callback=None):
    """
    :param nets: net dict of each index
    :param pretrain: options of `pretrain` besides `construction_algo`
    :param params: path → array, the parameters of the first network
    :param fresh: for each later network, path → array, instead of random initial values
    :param callback: name of the `init_new_network_callback` in growth_functions.py
    :return: for each later network, path → array; the last entry is the error message if an assertion of RETURNN fails
    """
    from returnn.config import Config, set_global_config
    from returnn.tf.engine import Engine

    nets = [growth_functions.with_functions(net) for net in nets]

    def algo(idx, net_dict):
        return nets[idx] if idx < len(nets) else None

    def new_network(session, new_epoch, new_network, old_network_params):
        _set(new_network, fresh[new_epoch - 2], session)
        if callback:
            function = getattr(growth_functions, callback)
            function(
                session=session, new_epoch=new_epoch, new_network=new_network, old_network_params=old_network_params
            )

    results = []
    with tempfile.TemporaryDirectory() as folder:
        options = {
            "task": "train", "network": nets[-1], "extern_data": extern_data, "num_epochs": len(nets) + 1,
            "model": f"{folder}/net", "pretrain": {"construction_algo": algo, **pretrain},
            "init_new_network_callback": new_network,
        }  # fmt: skip
        returnn_config = Config(options)
        set_global_config(returnn_config)
        engine = Engine(returnn_config)
        engine.start_epoch = engine.epoch = 1
        engine.init_network_from_config(returnn_config)
        _set(engine.network, params, engine.tf_session)
        for engine.epoch in range(2, len(nets) + 1):
            desc = engine.get_net_dict_for_epoch(epoch=engine.epoch)
            try:
                engine.init_new_network(desc)
            except AssertionError as error:
                results.append(f"AssertionError: {error}")
                break
            values = {v.name.removesuffix(":0"): v for v in engine.network.get_params_list()}
            results.append(engine.tf_session.run(values))
        engine.finalize()
    return results


def _set(network, values, session):
    variables = {v.name.removesuffix(":0"): v for v in network.get_params_list()}
    assert set(variables) == set(values), sorted(set(variables) ^ set(values))
    for path, value in values.items():
        variables[path].load(value, session)
