"""Recurrent units, one per file: parameters, state, and the formula of one step. `names` maps RETURNN's names to units."""
