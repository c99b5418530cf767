"""Split computing: a network whose first part runs on a device, and its rest on a server."""
