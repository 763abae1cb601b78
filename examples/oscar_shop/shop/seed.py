"""Fill an empty database and search index with a shop's worth of data, through oscar's own models and order placement.

``python -m shop.seed FOLDER`` builds that folder.  The same code gives the same rows each time.
"""

import os
import random
import shutil
import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

PASSWORD = "correct-horse-battery"
CUSTOMERS = (("ada@shop.example", 14), ("ben@shop.example", 3), ("cleo@shop.example", 0), ("dan@shop.example", 1))
"""E-mail address of each customer, and how many orders that customer has placed, with an e-mail about each."""

OPENED = datetime(2025, 3, 1, 9, 30, tzinfo=timezone.utc)
SHELVES = {
    "Books > Fiction > Crime": ("The Locked Ledger", "A Clue in the Cursor", "Murder at the Mainframe", "Cold Join",
                                "The Last Commit", "Night Shift", "The Deadlock Inn", "Foreign Key"),
    "Books > Fiction > Classics": ("Pride and Precision", "Great Expectancies", "Moby Disk", "War and Pages",
                                   "Wuthering Bytes", "Emma in the Cloud", "The Time Machine Log", "Dracula's Index"),
    "Books > Fiction > Science fiction": ("Do Threads Dream", "The Left Join of Darkness", "Dunes of Data",
                                          "Snow Cache", "Solaris Backup", "Ring Buffer World"),
    "Books > Non-fiction > Computing": ("Queries by Hand", "The Art of the Plan", "Trees in Practice",
                                        "Small Transactions", "Reading Traces", "Sorting Things Out",
                                        "Locks and Latches", "Parsing for Pleasure"),
    "Books > Non-fiction > Cooking": ("Soup from Scratch", "Forty Breads", "The Patient Stew", "Salt, Acid, Time"),
    "Books > Non-fiction > Travel": ("Slow Trains", "Islands of the North", "A Month of Harbours", "Walking Home"),
    "Stationery > Paper": ("Squared notebook", "Dotted notebook", "Carbon pad", "Index cards"),
    "Stationery > Pens": ("Fountain pen", "Technical pen", "Red pencil", "Blue pencil"),
    "Gifts": ("Bookend, oak", "Reading lamp", "Tin of tea", "Canvas bag"),
}  # fmt: skip
SHIRTS = ("Query planner shirt", "Rollback shirt", "Null is not zero shirt")
SIZES = ("S", "M", "L", "XL")
REVIEWS = (
    (5, "Could not put it down", "I meant to read one chapter and finished it at dawn."),
    (4, "Well made", "Solid, plain and useful.  Would buy it again."),
    (3, "All right", "It does what the cover says and little more."),
    (2, "Not for me", "I had hoped for something else from the description."),
)


def build(target: Path) -> None:
    """Make the folder *target*: database and search index; it has its name only when it is complete."""
    import django

    unfinished = target.with_suffix(f".{os.getpid()}.unfinished")
    unfinished.mkdir(parents=True)
    os.environ["SHOP_DATA"] = str(unfinished)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    django.setup()
    try:
        _fill()
        if not target.exists():  # else another process was first, with the same data
            unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _fill() -> None:
    from django.core.management import call_command
    from django.db import connection, transaction

    print("  tables ...", flush=True)
    call_command("migrate", verbosity=0, interactive=False)
    with transaction.atomic():
        chance = random.Random(3)
        print("  products ...", flush=True)
        products = _products(chance)
        _recommend(products)
        _offers()
        print("  customers, reviews, orders ...", flush=True)
        customers = _customers()
        _reviews(chance, products, customers)
        _orders(chance, products, customers)
    print("  search index ...", flush=True)
    call_command("update_index", verbosity=0)
    connection.close()


def _products(chance: random.Random) -> list[Any]:
    from oscar.apps.catalogue.categories import create_from_breadcrumbs
    from oscar.core.loading import get_model

    get_class_of = get_model("catalogue", "ProductClass").objects.create
    book, thing = get_class_of(name="Book"), get_class_of(name="Thing")
    book.attributes.create(name="Pages", code="pages", type="integer")
    book.attributes.create(name="Author", code="author", type="text")
    clothing = get_class_of(name="Clothing")
    clothing.attributes.create(name="Size", code="size", type="text")
    partners = [get_model("partner", "Partner").objects.create(name=name) for name in ("Warehouse", "Attic")]
    made = []
    for breadcrumbs, titles in SHELVES.items():
        category = create_from_breadcrumbs(breadcrumbs)
        for title in titles:
            kind = book if breadcrumbs.startswith("Books") else thing
            product = _product(kind, title, category, len(made) + 1)
            _stock(product, chance.choice(partners), chance)
            made.append(product)
    category = create_from_breadcrumbs("Clothing > Shirts")
    for title in SHIRTS:
        _shirt(clothing, title, category, partners[0], chance)
    return made


def _product(kind: Any, title: str, category: Any, number: int) -> Any:
    text = f"<p>{title}: one of the {category.name.lower()} we like to recommend.</p>"
    product = kind.products.model(product_class=kind, title=title, upc=f"978{number:07d}", description=text)
    if kind.name == "Book":
        product.attr.pages = 120 + 7 * number
        product.attr.author = ("J. Marten", "R. Okafor", "L. Brandt", "S. Iyer")[number % 4]
    product.save()
    product.categories.add(category)
    return product


def _shirt(kind: Any, title: str, category: Any, partner: Any, chance: random.Random) -> None:
    parent = kind.products.create(product_class=kind, title=title, structure="parent", description=f"<p>{title}.</p>")
    parent.categories.add(category)
    for size in SIZES:
        child = kind.products.model(parent=parent, title=f"{title}, {size}", structure="child")
        child.attr.size = size
        child.save()
        _stock(child, partner, chance)


def _stock(product: Any, partner: Any, chance: random.Random) -> None:
    product.stockrecords.create(
        partner=partner,
        partner_sku=f"sku-{product.pk}",
        price=Decimal(chance.randint(300, 4000)) / 100,
        num_in_stock=chance.randint(200, 900),
    )


def _recommend(products: list[Any]) -> None:
    """Every third product recommends the four after it."""
    from oscar.core.loading import get_model

    recommend = get_model("catalogue", "ProductRecommendation").objects.create
    for place in range(0, len(products), 3):
        for step in range(1, 5):
            other = products[(place + step) % len(products)]
            recommend(primary=products[place], recommendation=other, ranking=step)


def _offers() -> None:
    from oscar.core.loading import get_model

    everything = get_model("offer", "Range").objects.create(name="Everything", includes_all_products=True)
    three = get_model("offer", "Condition").objects.create(range=everything, type="Count", value=3)
    tenth = get_model("offer", "Benefit").objects.create(range=everything, type="Percentage", value=10)
    get_model("offer", "ConditionalOffer").objects.create(
        name="A tenth off three", condition=three, benefit=tenth, start_datetime=OPENED
    )


def _customers() -> list[Any]:
    from django.contrib.auth import get_user_model
    from oscar.core.loading import get_model

    country = get_model("address", "Country").objects.create(
        iso_3166_1_a2="GB", printable_name="United Kingdom", is_shipping_country=True
    )
    people = []
    for email, _ in CUSTOMERS:
        name = email.partition("@")[0]
        person = get_user_model().objects.create_user(
            name, email, PASSWORD, first_name=name.title(), last_name="Reader"
        )
        for number in (1, 2):
            person.addresses.create(
                first_name=person.first_name,
                last_name="Reader",
                line1=f"{number} Index Street",
                line4="London",
                postcode="N1 9GU",
                country=country,
            )
        people.append(person)
    return people


def _reviews(chance: random.Random, products: list[Any], customers: list[Any]) -> None:
    for product in products[::2]:
        for person in chance.sample(customers, chance.randint(1, 3)):
            score, title, body = chance.choice(REVIEWS)
            product.reviews.create(user=person, score=score, title=title, body=body, status=1)


def _orders(chance: random.Random, products: list[Any], customers: list[Any]) -> None:
    placed = 0
    for person, (_, orders) in zip(customers, CUSTOMERS, strict=True):
        for _ in range(orders):
            placed += 1
            _order(person, chance.sample(products, chance.randint(2, 6)), OPENED + timedelta(days=placed))
            person.emails.create(email=person.email, subject=f"Order {placed} is on its way", body_text="Thank you.")


def _order(person: Any, products: list[Any], when: datetime) -> None:
    from oscar.core.loading import get_class, get_model

    basket = get_model("basket", "Basket").objects.create(owner=person)
    basket.strategy = get_class("partner.strategy", "Selector")().strategy(user=person)
    for product in products:
        basket.add_product(product, quantity=1)
    get_class("offer.applicator", "Applicator")().apply(basket, person)
    method = get_class("shipping.methods", "Free")()
    charge = method.calculate(basket)
    total = get_class("checkout.calculators", "OrderTotalCalculator")().calculate(basket, charge)
    address = get_model("order", "ShippingAddress")()
    person.addresses.first().populate_alternative_model(address)
    address.save()
    get_class("order.utils", "OrderCreator")().place_order(
        basket, total, method, charge, user=person, shipping_address=address, date_placed=when
    )
    basket.submit()


if __name__ == "__main__":
    try:
        build(Path(sys.argv[1]))
    except KeyboardInterrupt:
        sys.exit(130)
