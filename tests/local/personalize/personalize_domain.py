"""Domain dataset groups and recommenders, as tests of them set them up."""

from __future__ import annotations

from personalize_data import (
    HEADERS,
    RECIPE,
    VIDEO_HEADER,
    VIDEOS,
    WATCHING,
    video_rows,
    watching_rows,
)


def add_dataset(world, kind, schema=None, domain="VIDEO_ON_DEMAND"):
    """A dataset with a schema of the domain."""
    made = world.control.create_schema(
        name=f"{kind.lower()}-of-domain",
        schema=schema or WATCHING,
        domain=domain,
    )
    world.arns[kind] = world.control.create_dataset(
        name=kind.lower(),
        schemaArn=made["schemaArn"],
        datasetGroupArn=world.arns["group"],
        datasetType=kind,
    )["datasetArn"]


def add_group(world, domain="VIDEO_ON_DEMAND"):
    """A domain dataset group."""
    made = world.control.create_dataset_group(name="domain", domain=domain)
    world.arns["group"] = made["datasetGroupArn"]
    return made


def recommender(world, recipe, name="r", **config):
    """A recommender's ARN."""
    return world.control.create_recommender(
        name=name,
        datasetGroupArn=world.arns["group"],
        recipeArn=RECIPE + recipe,
        recommenderConfig=config,
    )["recommenderArn"]


def described(world, arn):
    """The description once no work is under way."""
    return world.finished(
        lambda: world.control.describe_recommender(recommenderArn=arn)["recommender"]
    )


def listed(world, arn, **params):
    """The recommended item ids."""
    answer = world.runtime.get_recommendations(recommenderArn=arn, **params)
    return [entry["itemId"] for entry in answer["itemList"]]


def fill(world):
    """A domain group with videos that people watched."""
    add_group(world)
    add_dataset(world, "Interactions")
    add_dataset(world, "Items", VIDEOS)
    tables = {
        "Interactions": (HEADERS["Interactions"], watching_rows()),
        "Items": (VIDEO_HEADER, video_rows()),
    }
    for kind, (header, content) in tables.items():
        done = world.import_csv(kind, world.put_csv(f"{kind}.csv", header, content))
        assert done["status"] == "ACTIVE", done
