"""The bench: virtual and real boards, the serial link and protocol, measurements."""
