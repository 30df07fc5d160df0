"""Notebooks that hold: results recorded in them, a contract for their form, and runs that are measured.

A notebook needs `record` alone. A repository that has notebooks switches the contract on by one
option of pytest, see `musicrec.notebooks.plugin`; what the contract asks is in
`musicrec.notebooks.contract`.
"""

from musicrec.notebooks.recording import record

__all__ = ["record"]
