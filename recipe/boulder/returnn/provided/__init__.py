"""What Boulder provides of the modules that RETURNN configs import; `boulder.returnn.stand_ins` says where it appears."""
