import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowforge.model.errors import ConfigFault
from flowforge.model.slug import MAX_SLUG_LENGTH, slugify


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Orders", "orders"),
        ("Daily Orders", "daily-orders"),
        ("daily_orders", "daily-orders"),
        ("a _ \t b", "a-b"),
        ("a__b", "a-b"),
        ("--a---b--", "a-b"),
        (" _a_ ", "a"),
        ("Sales (EU) 2026!", "sales-eu-2026"),
        ("Größe", "gre"),
        ("é", None),
        ("注文 1", "1"),
        ("a.b/c", "abc"),
        ("a - b", "a-b"),
    ],
)
def test_a_name_becomes_the_slug_that_the_rule_says(name: str, slug: str | None) -> None:
    if slug is None:
        with pytest.raises(ConfigFault, match="slug"):
            slugify(name)
    else:
        assert slugify(name) == slug


@pytest.mark.parametrize("name", ["", " ", "___", "---", "注文", "!?"])
def test_a_name_without_a_letter_or_digit_asks_for_an_explicit_slug(name: str) -> None:
    with pytest.raises(ConfigFault, match="'slug'") as caught:
        slugify(name)
    assert caught.value.option == "slug"


def test_a_slug_that_is_too_long_is_refused_and_never_cut() -> None:
    assert slugify("x" * MAX_SLUG_LENGTH) == "x" * MAX_SLUG_LENGTH
    with pytest.raises(ConfigFault, match=str(MAX_SLUG_LENGTH + 1)):
        slugify("x" * (MAX_SLUG_LENGTH + 1))


@given(st.text(max_size=40))
def test_a_slug_is_its_own_slug(name: str) -> None:
    try:
        slug = slugify(name)
    except ConfigFault:
        return
    assert slugify(slug) == slug
    assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not slug.startswith("-")
    assert not slug.endswith("-")
    assert "--" not in slug
