"""What is known of single channels: the values they can take, and who needs them.

A channel is an index of a tensor's last axis. Only int8 tensors are looked at.
"""
