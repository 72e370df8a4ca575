"""Audio: zip files of recordings, decoding, and the features that RETURNN computes of them."""
