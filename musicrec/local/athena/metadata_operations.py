"""Operations that show the catalogue: databases and tables as Glue has them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from musicrec.local.athena.catalog import CATALOG, Name
from musicrec.local.athena.errors import InvalidRequestError, MetadataError
from musicrec.local.athena.paging import page

if TYPE_CHECKING:
    from musicrec.local.athena.service import Operation, Service

_NAME: Final = "AwsDataCatalog"
_PAGE: Final = 50


def get_catalog(service: Service, params: dict[str, Any]) -> dict[str, Any]:
    """Show the one data catalogue."""
    _require_catalog(params["Name"])
    shown = {"Name": _NAME, "Type": "GLUE", "Status": "CREATE_COMPLETE"}
    return {"DataCatalog": {**shown, "Parameters": {"catalog-id": service.account_id}}}


def list_catalogs(_: Service, params: dict[str, Any]) -> dict[str, Any]:
    """List the one data catalogue."""
    shown = [{"CatalogName": _NAME, "Type": "GLUE", "Status": "CREATE_COMPLETE"}]
    part, token = page(shown, params.get("MaxResults", _PAGE), params.get("NextToken"), "catalogs")
    return {"DataCatalogsSummary": part, "NextToken": token}


def get_database(service: Service, params: dict[str, Any]) -> dict[str, Any]:
    """Show a database."""
    _require_catalog(params["CatalogName"])
    name = params["DatabaseName"]
    described = service.engine.catalog.database(name)
    if described is None:
        raise MetadataError(f"Database {name} not found.")
    return {"Database": _database(described)}


def list_databases(service: Service, params: dict[str, Any]) -> dict[str, Any]:
    """List the databases."""
    _require_catalog(params["CatalogName"])
    pages = service.engine.catalog.glue.get_paginator("get_databases").paginate()
    shown = [_database(one) for found in pages for one in found["DatabaseList"]]
    size = params.get("MaxResults", _PAGE)
    part, token = page(shown, size, params.get("NextToken"), "databases")
    return {"DatabaseList": part, "NextToken": token}


def get_table(service: Service, params: dict[str, Any]) -> dict[str, Any]:
    """Show a table."""
    _require_catalog(params["CatalogName"])
    name = Name(params["DatabaseName"].lower(), params["TableName"].lower())
    described = service.engine.catalog.describe(name)
    if described is None:
        raise MetadataError(f"EntityNotFoundException: Table {name.table} not found.")
    return {"TableMetadata": _table(described)}


def list_tables(service: Service, params: dict[str, Any]) -> dict[str, Any]:
    """List a database's tables, those whose name matches an expression if one is given."""
    _require_catalog(params["CatalogName"])
    database = params["DatabaseName"].lower()
    if not service.engine.catalog.has_database(database):
        raise MetadataError(f"Database {database} not found.")
    pages = service.engine.catalog.glue.get_paginator("get_tables").paginate(DatabaseName=database)
    pattern = re.compile(params.get("Expression", ".*"))
    shown = [
        _table(one)
        for found in pages
        for one in found["TableList"]
        if pattern.fullmatch(one["Name"])
    ]
    size = params.get("MaxResults", _PAGE)
    part, token = page(shown, size, params.get("NextToken"), f"tables of {database}")
    return {"TableMetadataList": part, "NextToken": token}


def _require_catalog(name: str) -> None:
    if name.lower() != CATALOG:
        raise InvalidRequestError(f"Data Catalog {name} does not exist; there is {_NAME}")


def _database(described: dict[str, Any]) -> dict[str, Any]:
    return {
        "Name": described["Name"],
        "Description": described.get("Description"),
        "Parameters": described.get("Parameters", {}),
    }


def _table(described: dict[str, Any]) -> dict[str, Any]:
    storage = described.get("StorageDescriptor", {})
    created = described.get("CreateTime")
    return {
        "Name": described["Name"],
        "CreateTime": created.timestamp() if created is not None else None,
        "TableType": described.get("TableType"),
        "Columns": storage.get("Columns", []),
        "PartitionKeys": described.get("PartitionKeys", []),
        "Parameters": {
            **described.get("Parameters", {}),
            "location": storage.get("Location", ""),
            "inputformat": storage.get("InputFormat", ""),
            "outputformat": storage.get("OutputFormat", ""),
            "serde.serialization.lib": storage.get("SerdeInfo", {}).get("SerializationLibrary", ""),
        },
    }


OPERATIONS: Final[dict[str, Operation]] = {
    "GetDataCatalog": get_catalog,
    "GetDatabase": get_database,
    "GetTableMetadata": get_table,
    "ListDataCatalogs": list_catalogs,
    "ListDatabases": list_databases,
    "ListTableMetadata": list_tables,
}
