"""Operations about work groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from musicrec.local.athena.paging import page

if TYPE_CHECKING:
    from musicrec.local.athena.service import Operation, Service

_PAGE: Final = 50


def create(service: Service, params: dict[str, Any]) -> dict[str, Any]:
    """Make a work group."""
    service.work_groups.create(params)
    return {}


def get(service: Service, params: dict[str, Any]) -> dict[str, Any]:
    """Show a work group."""
    return {"WorkGroup": service.work_groups.get(params["WorkGroup"]).view()}


def update(service: Service, params: dict[str, Any]) -> dict[str, Any]:
    """Change a work group."""
    service.work_groups.update(params)
    return {}


def delete(service: Service, params: dict[str, Any]) -> dict[str, Any]:
    """Remove a work group."""
    name = params["WorkGroup"]
    occupied = not params.get("RecursiveDeleteOption") and bool(service.executions.all(name))
    service.work_groups.delete(name, occupied=occupied)
    return {}


def list_all(service: Service, params: dict[str, Any]) -> dict[str, Any]:
    """List the work groups."""
    shown = [group.summary() for group in service.work_groups.all()]
    size = params.get("MaxResults", _PAGE)
    part, token = page(shown, size, params.get("NextToken"), "work groups")
    return {"WorkGroups": part, "NextToken": token}


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateWorkGroup": create,
    "DeleteWorkGroup": delete,
    "GetWorkGroup": get,
    "ListWorkGroups": list_all,
    "UpdateWorkGroup": update,
}
