"""Loops: `rec` with a subnetwork.

- `unit` reads the subnetwork: its layers, and what each depends on
- `templates` finds what comes out of them, which takes some rounds where a layer depends on itself by `prev:`
- `placement` decides which of them can be computed for all frames at once, before the loop or after it
- `building` makes specs of all that; `nodes` are the layers that it puts between the user's
- `iterate` runs the loop; `beams` does so in a search

The first five are pure Python.
"""
