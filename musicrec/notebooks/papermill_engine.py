"""The papermill engine `musicrec`, as papermill finds it by its entry point.

papermill loads entry points while it is itself imported, so nothing of it may be imported here at once.
"""

from __future__ import annotations

from typing import Any


class Engine:
    """Hands everything to `musicrec.notebooks.running.Engine`."""

    def __getattr__(self, name: str) -> Any:
        """What papermill asks of an engine: `execute_notebook`, `nb_kernel_name`, `nb_language`."""
        from musicrec.notebooks.running import Engine as Running  # noqa: PLC0415 - see above

        return getattr(Running, name)


engine = Engine()
"""What the entry point names."""
