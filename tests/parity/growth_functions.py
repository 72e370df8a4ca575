"""Functions that a RETURNN config may define. The tests run them in RETURNN and in Boulder."""


def with_functions(net):
    """:return: the net dict with each string `@name` replaced by the function of that name in this file"""
    if isinstance(net, dict):
        return {key: with_functions(value) for key, value in net.items()}
    return globals()[net[1:]] if isinstance(net, str) and net.startswith("@") else net


# custom_param_importer


def sevens(layer, values_dict, session):
    """Adds 7 and the first old value to each parameter."""
    for name, param in sorted(layer.params.items()):
        old = values_dict[name].flat[0] if name in values_dict else 0
        param.load(session.run(param) + 7 + old, session)


def last_rows(layer, values_dict, session):
    """Copies the last rows of W from the old values and leaves the bias alone."""
    param = layer.params["W"]
    rows = min(param.get_shape().as_list()[0], len(values_dict["W"]))
    columns = min(param.shape.as_list()[1], values_dict["W"].shape[1])
    value = param.eval(session)
    value[-rows:, :columns] = values_dict["W"][-rows:, :columns]
    layer.network.get_var_assigner(param).assign(value, session)


def copy_with_checks(layer, values_dict, session):
    """Copies values of equal shape, as RETURNN does by default, and checks the interface that an importer sees."""
    assert set(values_dict) <= set(layer.params), (sorted(values_dict), sorted(layer.params))
    assert layer.get_absolute_name().endswith(layer.name)
    for name, value in values_dict.items():
        if tuple(layer.params[name].shape.as_list()) == value.shape:
            assert layer.params[name].name.endswith(":0")
            layer.params[name].load(value, session)


# init_new_network_callback


def drops_output(session, new_epoch, new_network, old_network_params):
    """Removes the old values of the layer `output`."""
    old_network_params.values_dict.pop("output")


def drops_in_loop(session, new_epoch, new_network, old_network_params):
    """Removes the entry of a layer in a loop. This has no effect, since the entry of the loop holds the values as well."""
    old_network_params.values_dict.pop("loop/s", None)


def drops_loop(session, new_epoch, new_network, old_network_params):
    """Removes the entries of a loop and of its layers."""
    for name in [name for name in old_network_params.values_dict if name.split("/")[0] == "loop"]:
        del old_network_params.values_dict[name]


def renames(session, new_epoch, new_network, old_network_params):
    """Initializes the second layer from the first one."""
    values = old_network_params.values_dict
    values["fw1"] = values.pop("fw0")


def doubles(session, new_epoch, new_network, old_network_params):
    """Changes old values: in place, to a new array, to an array of another shape; and adds an unknown layer."""
    values = old_network_params.values_dict
    values["output"]["W"][:] *= 2
    values["output"]["b"] = values["output"]["b"] * 3 + new_epoch
    values["fw0"]["W"] = values["fw0"]["W"][:, ::2]
    values["no such layer"] = {"W": values["output"]["W"]}


def initializes(session, new_epoch, new_network, old_network_params):
    """Sets the new parameters before old values are copied."""
    for layer in ("fw0", "fw1", "output"):
        for param in new_network.layers[layer].params.values():
            param.load(session.run(param) * 0 + new_epoch, session)
