"""Niches: said, else mapped, else the category's title, else 'uncategorised'."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline_store.errors import InputFileRefused, InvalidValue
from pipeline_store.importers import (
    NicheRules,
    Place,
    VideoReading,
    category_file_beside,
    parse_niche_pairs,
    read_category_file,
    read_niche_map,
)
from tests.unit.importers.made_up import file_of, json_file_of

if TYPE_CHECKING:
    from pathlib import Path

TITLES = {10: "Music", 20: "Gaming"}


def reading(category_id: int | None = None, category_name: str | None = None) -> VideoReading:
    return VideoReading(
        place=Place(1),
        video_id="abcdefghijk",
        measured_at=None,
        category_id=category_id,
        category_name=category_name,
    )


def test_the_order_of_the_rules() -> None:
    """A fixed niche beats the map, the map beats the title, and nothing is 'uncategorised'."""
    music = reading(10)
    every_rule = NicheRules(fixed="mine", by_category={"10": "songs"}, titles=TITLES)
    assert every_rule.niche_for(music) == "mine"
    assert NicheRules(by_category={"10": "songs"}, titles=TITLES).niche_for(music) == "songs"
    assert NicheRules(by_category={"20": "games"}, titles=TITLES).niche_for(music) == "Music"
    assert NicheRules(titles=TITLES).niche_for(reading(29)) == "uncategorised"
    assert NicheRules().niche_for(reading()) == "uncategorised"


def test_a_map_names_categories_by_number_or_title() -> None:
    """Both work for sources that give the number and for those that give the title."""
    for key in ("10", "Music", "music "):
        rules = NicheRules(by_category={key: "songs"}, titles=TITLES)
        assert rules.niche_for(reading(10)) == "songs"
        assert rules.niche_for(reading(None, "Music")) == "songs"


def test_a_title_finds_its_number() -> None:
    """yt-dlp gives titles; the number is looked up where the titles are known."""
    rules = NicheRules(titles=TITLES)
    assert rules.category_id_of(reading(None, "Gaming")) == 20
    assert rules.category_id_of(reading(None, "Unheard of")) is None
    assert rules.category_id_of(reading(29)) == 29
    assert rules.niche_for(reading(None, "Unheard of")) == "Unheard of"


@pytest.mark.parametrize("niche", ["", "a" * 256, "nul \0", "half \ud83d"])
def test_a_niche_that_no_store_can_hold(tmp_path: Path, niche: str) -> None:
    """It is refused before anything is imported, wherever it comes from."""
    with pytest.raises(InvalidValue):
        NicheRules(fixed=niche)
    with pytest.raises(InvalidValue):
        parse_niche_pairs([f"10={niche}"])
    with pytest.raises(InputFileRefused):
        read_niche_map(json_file_of(tmp_path, {"10": niche}))


def test_pairs() -> None:
    """CATEGORY=NICHE, as often as wanted; a niche may hold an equals sign."""
    assert parse_niche_pairs(["10=music", "Gaming = games", "1=a=b"]) == {
        "10": "music",
        "Gaming": "games",
        "1": "a=b",
    }


@pytest.mark.parametrize("pair", ["", "music", "=music", "10=", " = "])
def test_what_is_no_pair(pair: str) -> None:
    """A pair that lacks a half is refused and shown."""
    with pytest.raises(InvalidValue, match="CATEGORY=NICHE expected"):
        parse_niche_pairs([pair])


def test_a_map_file(tmp_path: Path) -> None:
    """An object of texts is a map; anything else is refused."""
    assert read_niche_map(json_file_of(tmp_path, {"10": "music"})) == {"10": "music"}
    wrong_maps: list[object] = [[], "x", {"10": 5}, {"10": None}]
    for wrong in wrong_maps:
        with pytest.raises(InputFileRefused):
            read_niche_map(json_file_of(tmp_path, wrong))


def test_a_category_file(tmp_path: Path) -> None:
    """A region's list gives titles by number; a file of another kind is refused."""
    listed: dict[str, object] = {
        "kind": "youtube#videoCategoryListResponse",
        "items": [{"id": "10", "snippet": {"title": "Music"}}],
    }
    assert read_category_file(json_file_of(tmp_path, listed)) == {10: "Music"}
    others: list[object] = [[], {}, {"kind": "youtube#videoListResponse"}, {**listed, "items": [5]}]
    for wrong in others:
        with pytest.raises(InputFileRefused):
            read_category_file(json_file_of(tmp_path, wrong))
    for damaged in (
        {"id": "10"},
        {"id": "10", "snippet": {"title": 5}},
        {"snippet": {"title": "A"}},
    ):
        with pytest.raises(InputFileRefused, match="item 1"):
            read_category_file(json_file_of(tmp_path, {**listed, "items": [damaged]}))


def test_a_region_names_the_file_beside(tmp_path: Path) -> None:
    """--region US finds US_category_id.json in the folder of the input, in any capitals."""
    path = file_of(tmp_path, "", "list.csv")
    assert category_file_beside(path, "US") is None
    beside = file_of(tmp_path, "{}", "US_category_id.json")
    assert category_file_beside(path, "us") == beside
    for wrong in ("", "USA", "../US", "U\0"):
        with pytest.raises(InvalidValue, match="two letters"):
            category_file_beside(path, wrong)
