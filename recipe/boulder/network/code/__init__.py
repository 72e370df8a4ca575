"""What code inside net dicts sees while it runs: `tf` with the names of TensorFlow 1, random numbers that a layer's own
stream gives, its sources, its layer and its network.

Published configs are written against RETURNN's objects and the TensorFlow of their time. What is here has their names.
"""
