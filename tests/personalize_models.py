"""botocore's models of the three services of Personalize."""

from __future__ import annotations

from botocore.session import Session

SERVICES = ("personalize", "personalize-events", "personalize-runtime")
MODELS = {
    name: Session().get_service_model(service).operation_model(name)
    for service in SERVICES
    for name in Session().get_service_model(service).operation_names
}
"""Every operation's model, by the operation's name."""
