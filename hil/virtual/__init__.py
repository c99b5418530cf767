"""The virtual board: the ELF of the real one, run on a CPU emulator with the board's devices."""
