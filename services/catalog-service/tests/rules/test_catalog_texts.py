"""Entities in a catalogue's texts are undone once, before anything is checked (M3.6, M3.7)."""

import html
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_service.normalizing.descriptions import safe_html
from catalog_service.texts import undo_entities

from ..catalog_families import errors, evaluated, member

TITLE = "title_multi_language_list > en_US"


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        (
            "Cushion &amp; cover &#8211; 45&nbsp;cm &quot;Linen&quot; caf&eacute;",
            'Cushion & cover – 45 cm "Linen" café',
        ),
        ("Rock &#39;n&#x27; roll", "Rock 'n' roll"),
        ("A &amp;amp; B", "A &amp; B"),
        ("AT&T and R&D", "AT&T and R&D"),
        ("Sun&notebook &copy 2026", "Sun&notebook &copy 2026"),
        ("Fish & chips; large", "Fish & chips; large"),
        ("&unknown; thing", "&unknown; thing"),
        ("Caf&eacute;&#xA0;&euro;", "Café €"),
        ("a&#10;b", "a b"),
        ("&#128512; smile", "😀 smile"),
    ],
)
def test_a_title_is_what_its_entities_mean(written: str, plain: str) -> None:
    result = evaluated(member("a", title=written))
    assert result.content is not None
    assert result.content.titles[0].text == plain
    assert result.title == plain


def test_the_length_counts_after_that_and_angle_brackets_are_refused() -> None:
    long = "&amp;" * 218
    assert errors(evaluated(member("a", title=long))) == []
    assert errors(evaluated(member("a", title=long + "&amp;"))) == [("M3.6", TITLE)]
    for written in ("Cover &lt;45 cm&gt;", "a &#60; b", "a &#x3e; b"):
        assert errors(evaluated(member("a", title=written))) == [("M3.6", TITLE)]
    assert errors(evaluated(member("a", title="&nbsp; &#160;"))) == [("M3.6", TITLE)]


def test_values_aliases_and_own_attributes_are_undone_too() -> None:
    own: dict[str, Any] = {"user_defined_attributes": {"Care": {"field": "care"}}}
    result = evaluated(
        member("p", style="Arts &amp; crafts", care="40&deg;C &lt; 60&deg;C", model="A&amp;B"),
        member("a", "p", size="S", color="Sand &amp; sea"),
        **own,
    )
    assert errors(result) == []
    content = result.content
    assert content is not None
    assert content.category_attributes["Style"].custom_value == "Arts & crafts"
    assert content.category_attributes["Model"].value == "A&B"
    assert content.user_defined_attributes == [("Care", "40°C < 60°C")]
    assert content.skus[0].attributes["Color"].alias == "Sand & sea"


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("&lt;p&gt;Soft &lt;b&gt;linen&lt;/b&gt;&lt;/p&gt;", "<p>Soft <b>linen</b></p>"),
        ("&lt;P CLASS=&quot;x&quot;&gt;Soft&lt;br/&gt;linen&lt;/P&gt;", "<p>Soft<br>linen</p>"),
        ("&#60;ul&#62;&#60;li&#62;one&#60;/li&#62;&#60;/ul&#62;", "<ul><li>one</li></ul>"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;&lt;p&gt;x&lt;/p&gt;", "<p>x</p>"),
        ("&lt;p onclick=&quot;x&quot;&gt;x&lt;/p&gt;", "<p>x</p>"),
        ("A &amp; B", "A &amp; B"),
        ("width &lt; 45 cm &amp; height &gt; 3", "width &lt; 45 cm &amp; height &gt; 3"),
        ("for &lt;45 cm&gt; covers", "for &lt;45 cm&gt; covers"),
        ("two\nlines", "two<br>lines"),
        ("<p>a &lt;b&gt; c</p>", "<p>a &lt;b&gt; c</p>"),
    ],
)
def test_a_description_whose_entities_make_tags_is_that_html(written: str, sent: str) -> None:
    result = evaluated(member("a", description=written))
    assert result.content is not None
    assert result.content.descriptions[0].text == sent


@given(st.text(max_size=60))
def test_escaped_once_is_undone_once(text: str) -> None:
    assert undo_entities(html.escape(text)).replace("\u00a0", " ") == text.replace("\u00a0", " ")


@given(st.text(alphabet="<>&;/ ampltgscriptonclick=\"'\n", max_size=60))
def test_nothing_active_comes_out_of_entities(text: str) -> None:
    sent = safe_html(html.escape(f"<script>{text}</script><p onclick='{text}'>x</p>"))
    assert "<script" not in sent
    assert not any("onclick" in tag for tag in sent.split("<")[1:] if tag.startswith("p "))
