"""Files that the sample notebooks download, made of what the checkout already has.

The checkout contains MovieLens' small set, as part of a finished example. It is handed out whole
under its own name. Under the names of the other sets go files of their form: the same ratings with
ids, columns and separators as in the original, and texts made up here.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import zipfile
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import grocery

MOVIELENS = Path("next_steps/workshops/POC_in_a_box/completed/poc_data/ml-latest-small")
ML_100K_ITEMS = 1682
SHOP_ITEMS = 600
FEW = 5
"""Good reviews that a product has at least."""
CATEGORIES = {
    "accessories": ("bag", "belt", "watch"),
    "apparel": ("jacket", "shirt", "socks"),
    "groceries": ("bakery", "fruits", "vegetables"),
    "homedecor": ("cushion", "decorative", "lighting"),
    "seasonal": ("christmas", "easter", "halloween"),
}
WORDS = (
    *("blend", "bowl", "butter", "classic", "coffee", "corn", "fresh", "golden", "grain", "honey"),
    *("lemon", "maple", "mild", "oat", "pasta", "pepper", "rice", "roasted", "sauce", "soup"),
    *("spice", "sugar", "sweet", "tea", "toasted", "tomato", "warm", "wild"),
)


class NoStandInError(LookupError):
    """A notebook asks for a file that nobody here knows how to make."""


@cache
def ratings(samples: Path) -> list[tuple[int, int, float, int]]:
    """User, movie, rating (0.5 to 5) and time (epoch seconds), oldest first."""
    with (samples / MOVIELENS / "ratings.csv").open(newline="") as lines:
        rows = [
            (int(row["userId"]), int(row["movieId"]), float(row["rating"]), int(row["timestamp"]))
            for row in csv.DictReader(lines)
        ]
    return sorted(rows, key=lambda row: row[3])


@cache
def movies(samples: Path) -> dict[int, tuple[str, str]]:
    """Title and genres of a movie."""
    with (samples / MOVIELENS / "movies.csv").open(newline="", encoding="utf-8") as lines:
        return {int(row["movieId"]): (row["title"], row["genres"]) for row in csv.DictReader(lines)}


def popular(samples: Path, count: int) -> list[int]:
    """The movies rated most."""
    counts = Counter(movie for _, movie, _, _ in ratings(samples))
    return [movie for movie, _ in counts.most_common(count)]


def ml_latest_small(samples: Path) -> bytes:
    """The set that the checkout contains."""
    folder = samples / MOVIELENS
    return _zip(
        {f"ml-latest-small/{path.name}": path.read_bytes() for path in sorted(folder.iterdir())}
    )


def ml_100k(samples: Path) -> bytes:
    """Ratings of 1 to 5 of 1682 movies, which are numbered without a gap."""
    number = {movie: place for place, movie in enumerate(popular(samples, ML_100K_ITEMS), start=1)}
    data = [
        (user, number[movie], max(1, round(rating)), moment)
        for user, movie, rating, moment in ratings(samples)
        if movie in number
    ]
    titles = movies(samples)
    items = [
        (place, titles[movie][0], "01-Jan-1995", "", "http://localhost/", *[0] * 19)
        for movie, place in number.items()
    ]
    text = {"u.data": _lines(data, "\t"), "u.item": _lines(items, "|")}
    return _zip(
        {f"ml-100k/{name}": rows.encode("latin-1", "replace") for name, rows in text.items()}
    )


def ml_1m(samples: Path) -> bytes:
    """Ratings of 1 to 5, and the movies; UTF-8, since pandas no longer guesses at the original's."""
    data = [
        (user, movie, max(1, round(rating)), at) for user, movie, rating, at in ratings(samples)
    ]
    films = [(movie, *about) for movie, about in movies(samples).items()]
    text = {"ratings.dat": _lines(data, "::"), "movies.dat": _lines(films, "::")}
    return _zip({f"ml-1m/{name}": rows.encode() for name, rows in text.items()})


def lastfm_2k(samples: Path) -> bytes:
    """Listeners who tag artists, at times in milliseconds."""
    rng = random.Random(1)
    tagged = [
        (user, movie, rng.randrange(1, 500), at * 1000) for user, movie, _, at in ratings(samples)
    ]
    artists = [
        (movie, f"The {title.partition(' (')[0]}s", "http://localhost/", "")
        for movie, (title, _) in movies(samples).items()
    ]
    heard = [
        (user, movie, max(1, round(100 * rating))) for user, movie, rating, _ in ratings(samples)
    ]
    header = {
        "user_artists.dat": ("userID", "artistID", "weight"),
        "user_taggedartists-timestamps.dat": ("userID", "artistID", "tagID", "timestamp"),
        "artists.dat": ("id", "name", "url", "pictureURL"),
    }
    rows = {
        "user_artists.dat": heard,
        "user_taggedartists-timestamps.dat": tagged,
        "artists.dat": artists,
    }
    return _zip({name: _lines([header[name], *rows[name]], "\t").encode() for name in rows})


@cache
def shelf(samples: Path) -> dict[int, str]:
    """Product ids by movie: as in the original, each has some good reviews.

    Two are asked for by id, as one of the most popular and as one of the least.
    """
    liked = Counter(movie for _, movie, rating, _ in ratings(samples) if round(rating) > 3)
    kept = [movie for movie, count in liked.most_common() if count >= FEW]
    return {
        **{movie: f"B{movie:09}" for movie in kept},
        kept[0]: "B00HZ6X8QU",
        kept[-1]: "B01GCT22E4",
    }


def reviews(samples: Path) -> bytes:
    """Reviews of products, a JSON document a line."""
    lines = [
        {
            "overall": max(1, round(rating)),
            "verified": True,
            "reviewTime": f"{datetime.fromtimestamp(at, UTC):%m %d, %Y}",
            "reviewerID": f"A{user:013}",
            "asin": shelf(samples)[movie],
            "reviewerName": f"Reviewer {user}",
            "reviewText": "As described.",
            "summary": "Fine",
            "unixReviewTime": at,
        }
        for user, movie, rating, at in ratings(samples)
        if movie in shelf(samples)
    ]
    return _json_lines(lines)


def products(samples: Path) -> bytes:
    """What the reviews are about."""
    rng = random.Random(2)
    lines = [
        {
            "category": ["Food", rng.choice(("Snacks", "Beverages", "Staples"))],
            "tech1": "",
            "description": [" ".join(rng.choices(WORDS, k=12)).capitalize() + "."],
            "fit": "",
            "title": " ".join(rng.choices(WORDS, k=3)).title(),
            "also_buy": [],
            "brand": f"{rng.choice(WORDS)} & {rng.choice(WORDS)}".title(),
            "feature": [],
            "rank": "",
            "also_view": [],
            "main_cat": "Grocery",
            "similar_item": "",
            "date": "",
            "price": rng.choice(("", f"${rng.uniform(1, 20):.2f}")),
            "asin": asin,
        }
        for asin in shelf(samples).values()
    ]
    return _json_lines(lines)


def shop_items(samples: Path) -> bytes:
    """Products of a shop with two levels of categories."""
    rng = random.Random(3)
    header = "ITEM_ID,PRICE,CATEGORY_L1,CATEGORY_L2,PRODUCT_DESCRIPTION,GENDER,PROMOTED"
    rows: list[tuple[object, ...]] = [tuple(header.split(","))]
    for movie in popular(samples, SHOP_ITEMS):
        first = rng.choice(sorted(CATEGORIES))
        text = " ".join(rng.choices(WORDS, k=6)).capitalize()
        gender = rng.choice(("Any", "F", "M"))
        price = round(rng.uniform(5, 200), 2)
        second, promoted = rng.choice(CATEGORIES[first]), rng.choice("NNNY")
        rows.append((_shop_id(movie), price, first, second, text, gender, promoted))
    return _csv(rows)


def shop_users(samples: Path) -> bytes:
    """The customers."""
    rng = random.Random(5)
    users = sorted({user for user, *_ in ratings(samples)})
    rows = [(user, rng.randrange(18, 90), rng.choice("FM")) for user in users]
    return _csv([("USER_ID", "AGE", "GENDER"), *rows])


def shop_interactions(samples: Path) -> bytes:
    """Views of most products and purchases of those that were liked best."""
    sold = set(popular(samples, SHOP_ITEMS))
    rows: list[tuple[object, ...]] = [("ITEM_ID", "USER_ID", "EVENT_TYPE", "TIMESTAMP", "DISCOUNT")]
    for user, movie, rating, at in ratings(samples):
        if movie in sold:
            rows.append((_shop_id(movie), user, "View", at, "No"))
            if rating >= 4:
                rows.append((_shop_id(movie), user, "Purchase", at + 60, "Yes"))
    return _csv(rows)


def airline(samples: Path) -> bytes:
    """Reviews of airlines by travellers."""
    rng = random.Random(4)
    cabins = ("Economy", "Premium Economy", "Business Class", "First Class")
    ratings_of = ("seat_comfort", "cabin_staff", "food_beverages", "inflight_entertainment")
    header = (
        *("airline_name", "link", "title", "author", "author_country", "date", "content"),
        *("aircraft", "type_traveller", "cabin_flown", "route", "overall_rating"),
        *(f"{what}_rating" for what in (*ratings_of, "ground_service", "wifi_connectivity")),
        *("value_money_rating", "recommended"),
    )
    rows: list[tuple[object, ...]] = [header]
    number = {movie: place for place, movie in enumerate(popular(samples, 300))}
    for user, movie, rating, at in ratings(samples):
        if movie in number:
            stars = max(1, round(rating))
            rows.append(
                (
                    *(f"airline-{number[movie]}", "", "Review", f"Traveller {user}"),
                    *(f"Country {user % 30}", f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"),
                    *("As expected.", "", "Solo Leisure", rng.choice(cabins), "A to B"),
                    *(stars * 2, *[stars] * 7, int(stars > 3)),
                )
            )
    return _csv(rows)


MAKERS = {
    "airline.csv": airline,
    "Grocery_and_Gourmet_Food.json.gz": lambda _: _json_lines(grocery.reviews()),
    "hetrec2011-lastfm-2k.zip": lastfm_2k,
    "interactions.csv": shop_interactions,
    "items.csv": shop_items,
    "meta_Grocery_and_Gourmet_Food.json.gz": lambda _: _json_lines(grocery.products()),
    "meta_Prime_Pantry.json.gz": products,
    "ml-100k.zip": ml_100k,
    "ml-1m.zip": ml_1m,
    "ml-latest-small.zip": ml_latest_small,
    "Prime_Pantry.json.gz": reviews,
    "users.csv": shop_users,
}


def make(name: str, samples: Path) -> bytes:
    """The file that stands in for a download.

    Args:
        name: last part of the address.
        samples: the checkout.

    Raises:
        NoStandInError: there is none of that name.
    """
    if name not in MAKERS:
        raise NoStandInError(f"nothing stands in for {name!r}; there are {', '.join(MAKERS)}")
    return MAKERS[name](samples)


def _shop_id(movie: int) -> str:
    return f"{movie:08}-product"


def _lines(rows: list[tuple[object, ...]], separator: str) -> str:
    return "".join(separator.join(map(str, row)) + "\n" for row in rows)


def _csv(rows: list[tuple[object, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _json_lines(documents: list[dict[str, object]]) -> bytes:
    return gzip.compress("".join(json.dumps(one) + "\n" for one in documents).encode())


def _zip(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()
