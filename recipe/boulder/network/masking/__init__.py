"""Masked computation: layers that are computed for some frames only, see `boulder.network.layers.masked_computation`."""
