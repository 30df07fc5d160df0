"""An embedded Amazon Athena: its API, and its SQL run by DuckDB over what Glue and S3 hold."""

from musicrec.local.athena.app import AthenaApp

__all__ = ["AthenaApp"]
