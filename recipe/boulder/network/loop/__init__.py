"""Loops: `rec` with a net dict as its `unit`.

Spec half, in pure Python, in the order of the imports:

- `loop_options`, `length`: the options
- `subnet` reads the net dict: its layers and their references
- `templates` finds the layers' templates in one frame, by iterating to a fixed point
- `placement` decides which layers can be computed for all frames at once, before or after the loop
- `building` describes the loop; `nodes` are the layers that it puts between the user's
- `layer` is the layer class

Compute half: `iterations` runs the `body` of a loop, by `iterate` or `until_end`; both use `body_run`, which computes one
frame. `beams` holds the hypotheses of a search.
"""
