"""Time the estimation engine beside its peers on one synthetic national file: `python -m bench`."""
