"""Executes the REST APIs that moto only stores: validators, keys, mapping templates, integrations."""

from musicrec.local.gateway.app import PREFIX, Gateway

__all__ = ["PREFIX", "Gateway"]
