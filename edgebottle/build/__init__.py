"""From a generated C project to an ELF: PlatformIO, compilers, ELF reading, host builds."""
