"""New tables as Glue keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from musicrec.local.athena.formats import LAZY_SIMPLE, OPENX_JSON, PARQUET
from musicrec.local.athena.types import hive_type

if TYPE_CHECKING:
    from musicrec.local.athena.catalog import Name
    from musicrec.local.athena.types import Column
    from musicrec.local.athena.writing import FileForm

STORAGE: Final = {
    "PARQUET": (
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        PARQUET,
    ),
    "TEXTFILE": (
        "org.apache.hadoop.mapred.TextInputFormat",
        "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        LAZY_SIMPLE,
    ),
    "JSON": (
        "org.apache.hadoop.mapred.TextInputFormat",
        "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        OPENX_JSON,
    ),
}
"""Input format, output format and serde, by `STORED AS`."""


def table_input(
    name: Name, columns: list[Column], keys: int, location: str, form: FileForm
) -> dict[str, Any]:
    """A new table as Glue keeps it.

    Args:
        name: of the table.
        columns: of the rows; the last `keys` are the partition keys.
        keys: how many.
        location: of its files.
        form: of its files.
    """
    described = [{"Name": c.name.lower(), "Type": hive_type(c.type)} for c in columns]
    width = len(columns) - keys
    read, write, serde = STORAGE[form.format]
    settings = {"field.delim": form.delimiter, "serialization.format": form.delimiter}
    return {
        "Name": name.table,
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": described[width:],
        "Parameters": {"EXTERNAL": "TRUE", "has_encrypted_data": "false"},
        "StorageDescriptor": {
            "Columns": described[:width],
            "Location": location,
            "InputFormat": read,
            "OutputFormat": write,
            "SerdeInfo": {
                "SerializationLibrary": serde,
                "Parameters": settings if form.format == "TEXTFILE" else {},
            },
        },
    }
