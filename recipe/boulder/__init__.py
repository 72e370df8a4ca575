"""Boulder grows a network phase by phase: construction algo → phases → jobs that hand their checkpoint on."""

__version__ = "0.1.0"
