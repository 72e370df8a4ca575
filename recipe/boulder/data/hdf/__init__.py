"""Files in RETURNN's HDF layout: reading, writing, copying."""
