"""Quantization-aware training down to 1 bit: an ordinary int8 ``.tflite`` of few values."""
