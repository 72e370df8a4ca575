"""The surroundings of code in net dicts while it runs: `tf` with the names of TensorFlow 1, random numbers from its layer's stream, its
sources, its layer and its network.

Published configs are written for RETURNN's objects and the TensorFlow of their time. The names here are theirs.
"""
