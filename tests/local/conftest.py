"""Puts the helpers of this folder within reach of the folders below."""
