"""Which sequences an epoch has, and their order."""
