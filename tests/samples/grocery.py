"""Groceries and their reviews, in the form of a public set of reviews, for the user segments sample.

The sample trains on the reviews from 5 May 2018 on, looks at those from 20 September on whether it
was right, and names products, brands and categories that must be there. Here everybody has two
favourite categories, so that there is something to learn.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

CATEGORIES: Final = {
    "Candy & Chocolate": ("Jelly Belly", "Haven", "Marlow & Sons"),
    "Coffee, Tea & Cocoa": ("Starbucks", "Haven", "Early Bird"),
    "Dried Vegetables": ("Green Row", "Early Bird"),
    "Herbs & Spices": ("Green Row", "Marlow & Sons"),
    "Pasta & Noodles": ("Nonno", "Green Row"),
    "Snack Foods": ("Haven", "Crackle"),
}
NAMED: Final = {
    "0853347867": "Herbs & Spices",
    "1888861118": "Herbs & Spices",
    "1888861614": "Candy & Chocolate",
    "B0000CEUSQ": "Coffee, Tea & Cocoa",
    "B0000CNU3F": "Snack Foods",
    "B0000DBN1H": "Snack Foods",
    "B0000DG5CD": "Pasta & Noodles",
    "B0000TA3SK": "Candy & Chocolate",
    "B0001AVSRI": "Dried Vegetables",
    "B0005YXXDC": "Coffee, Tea & Cocoa",
}
"""Products that the sample asks about by id."""

OTHERS: Final = 1200
REVIEWERS: Final = 3000
FIRST_DAY: Final = datetime(2018, 4, 1, tzinfo=UTC)
DAYS: Final = 200
SECONDS_A_DAY: Final = 86_400


@cache
def _shelves() -> dict[str, list[str]]:
    """Product ids by category."""
    shelves: dict[str, list[str]] = {category: [] for category in CATEGORIES}
    for asin, category in NAMED.items():
        shelves[category].append(asin)
    names = sorted(CATEGORIES)
    for number in range(OTHERS):
        shelves[names[number % len(names)]].append(f"B{number:09}")
    return shelves


def products() -> list[dict[str, Any]]:
    """A document a product: some twice, some without a title or a price, some with HTML."""
    rng = random.Random(20)
    documents = [
        _product(asin, category, rng) for category, shelf in _shelves().items() for asin in shelf
    ]
    untitled = [{**one, "asin": f"X{one['asin']}", "title": None} for one in documents[:20]]
    return documents + untitled + documents[:30]


def _product(asin: str, category: str, rng: random.Random) -> dict[str, Any]:
    brand = rng.choice(CATEGORIES[category])
    size = f"{rng.randrange(2, 40)} Ounce"
    return {
        "category": ["Grocery & Gourmet Food", category, f"{category} in Packs of {len(brand)}"],
        "description": [f"<p>{brand} makes it.</p>", f"<b>{category}</b> for every day, {size}."],
        "title": f"{brand} {category.split(' ', 1)[0].strip(',')} No. {asin[-4:]}, {size}",
        "brand": brand,
        "main_cat": "Grocery",
        "price": rng.choice(("", f"${rng.uniform(1, 30):.2f}", "$2.50 - $4.00")),
        "asin": asin,
    }


def reviews() -> list[dict[str, Any]]:
    """A document a review, in no order, as products are not ordered by day there either."""
    rng = random.Random(21)
    documents = [
        _review(f"A{reviewer:012}", asin, rng)
        for reviewer in range(REVIEWERS)
        for asin in _bought(rng)
    ]
    rng.shuffle(documents)
    return documents


def _bought(rng: random.Random) -> list[str]:
    """What one person buys: mostly from two categories, and there what stands in front."""
    favourites = rng.sample(sorted(CATEGORIES), 2)
    bought = []
    for _ in range(rng.randrange(3, 15)):
        category = rng.choice(favourites if rng.random() < 0.9 else sorted(CATEGORIES))
        shelf = _shelves()[category]
        bought.append(shelf[int(len(shelf) * rng.random() ** 2)])
    return bought


def _review(reviewer: str, asin: str, rng: random.Random) -> dict[str, Any]:
    day = rng.randrange(DAYS)
    return {
        "overall": rng.choice((3, 4, 5)),
        "verified": True,
        "reviewerID": reviewer,
        "asin": asin,
        "reviewText": "As described.",
        "summary": "Fine",
        "unixReviewTime": int(FIRST_DAY.timestamp()) + day * SECONDS_A_DAY,
    }
