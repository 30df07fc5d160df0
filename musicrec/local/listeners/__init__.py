"""Simulated listeners: invented people whose listening follows the figures of real ones."""
