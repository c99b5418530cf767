"""Post-training quantization: a float graph and samples in, an integer graph out."""
