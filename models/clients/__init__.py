"""Clients of the two engine protocols. Services know the ports; which server answers is a matter of settings."""
