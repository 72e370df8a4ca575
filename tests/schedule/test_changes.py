"""`changes`: differences between two net dicts."""

from boulder.schedule import ABSENT, changes


def test_layers_added_removed_and_changed_in_the_order_of_the_net_dict():
    old = {"z": {"class": "copy"}, "b": {"class": "linear", "n_out": 4}, "gone": {}, "a": {"x": 1}, "output": {}}
    new = {"z": {"class": "copy"}, "y": {}, "b": {"class": "linear", "n_out": 8}, "a": {"w": 2}, "c": {}, "output": {}}
    result = changes(old, new)
    assert (result.added, result.removed) == (["y", "c"], ["gone"])
    assert list(result.changed) == ["b", "a"]
    assert result.changed == {"b": {"n_out": (4, 8)}, "a": {"x": (1, ABSENT), "w": (ABSENT, 2)}}
    assert str(result) == "+y +c -gone ~b(n_out 4→8) ~a(x 1→absent, w absent→2)"


def test_options_of_a_subnetwork_are_named_by_their_path():
    old, new = ({"decoder": {"unit": {"stop_token": {"loss_scale": scale}}}} for scale in (0.0, 0.2))
    assert changes(old, new).changed == {"decoder": {"unit/stop_token/loss_scale": (0.0, 0.2)}}


def test_equal_networks_have_no_changes_and_hash_keys_are_ignored():
    assert not changes({"a": {"from": ["x"]}}, {"a": {"from": ("x",)}, "#config": {"batch_size": 1}})
