"""Numbers that are greater than any that occurs."""

NEVER = 1 << 30
"""After every step, row and moment: what is never read again. It fits an int32."""

UNLIMITED = 1 << 60
"""More bytes than any arena has, and more units of work than any search takes."""
