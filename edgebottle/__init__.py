"""edgebottle takes neural networks to microcontrollers and proves them there."""

__version__ = "0.1.0"
