"""Layer classes of RETURNN, and options of all of them, that do not exist here; each with the reason."""

CLASSES = {
    "kenlm": "needs the package kenlm and RETURNN's operation on it, which have no gradient and no GPU; expected a language model as a "
    "network, or scores in a data stream",
    "synthetic_gradient": "has a gradient that no loss has, expected a loss",
}
OPTIONS = {
    "copy_output_loss_from_source_idx": "a loss has one layer; expected 'loss' at the layer that has it",
    "rec_previous_layer": "RETURNN sets it itself; expected a source 'prev:…'",
    "state": "only recurrent units take their state from other layers; expected 'eval' with 'prev:…'",
}
