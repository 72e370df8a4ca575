"""Boulder's versions of modules that RETURNN configs import; see `boulder.returnn.stand_ins` for their names."""
