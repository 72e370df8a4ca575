"""How a network can get wider without computing something else, layer class by layer class. Pure Python.

Each layer class states in `Layer.widening` which axes of its sources, its output and its parameters consist of the same units.
`boulder.training.growth.graph` asks all layers, and `boulder.training.growth.mappings` then decides which old unit each new unit
replicates.
"""
