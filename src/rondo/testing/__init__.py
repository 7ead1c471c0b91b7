"""The promises of the ports, as test classes that every adapter inherits."""
