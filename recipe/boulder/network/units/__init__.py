"""Recurrent units, one file each: the parameters, what is remembered, and the formula of one frame. `names` says which unit
RETURNN means by a name."""
