"""Making an object costs the same before and after its class is mapped, and means the same."""

from __future__ import annotations

import inspect
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

import pipeline_store.sql  # noqa: F401 - maps the classes
from pipeline_store.entity import entity
from pipeline_store.errors import InvalidValue
from pipeline_store.fields import integer, text
from pipeline_store.production import Analytics, Clip, PipelineRun
from tests.integration.contract.samples import CLASSES

NOW = datetime(2026, 2, 28, tzinfo=UTC)


def test_fields_are_filled_past_the_descriptors_of_the_database_adapter() -> None:
    reading = Analytics(youtube_video_id="v", view_count=1)
    assert list(vars(reading)) == [field.name for field in attrs.fields(Analytics)]
    reading.view_count = 2
    assert (reading.view_count, reading.like_count, reading.id) == (2, None, None)


@pytest.mark.parametrize("kind", CLASSES.values())
def test_the_signature_names_every_field(kind: Any) -> None:
    fields = [field.name for field in attrs.fields(kind) if field.init]
    parameters = inspect.signature(kind).parameters.values()
    assert {parameter.name for parameter in parameters} == set(fields)
    assert {parameter.kind for parameter in parameters} == {inspect.Parameter.KEYWORD_ONLY}


def test_wrong_arguments_are_named() -> None:
    make: Any = Analytics
    with pytest.raises(TypeError, match=r"Analytics.__init__\(\) missing .* 'youtube_video_id'"):
        make()
    with pytest.raises(TypeError, match=r"Analytics.__init__\(\) got an unexpected .* 'views'"):
        make(youtube_video_id="v", views=1)
    with pytest.raises(TypeError, match="takes 1 positional argument"):
        make("v")


def test_rules_over_several_fields_hold() -> None:
    with pytest.raises(InvalidValue, match="cycle_end"):
        PipelineRun(niche="n", cycle_start=NOW, cycle_end=NOW - timedelta(days=1))
    ends = {"start_time_seconds": 1.0, "end_time_seconds": 3.5}
    clip = Clip(pipeline_run_id=1, discovered_video_id=1, rank_position=1, **ends)
    assert clip.clip_duration_seconds == 2.5


def test_what_follows_the_filling_sees_the_object_itself() -> None:
    @entity
    class Word:
        letters: str = text()
        length: int = integer(default=0)

        def __attrs_post_init__(self) -> None:
            assert type(self) is Word
            self.measure()

        def measure(self) -> None:
            self.length = len(self.letters)

    assert Word(letters="four").length == 4


def test_objects_are_copied_and_pickled() -> None:
    reading = Analytics(youtube_video_id="v", measured_at=NOW)
    changed = attrs.evolve(reading, view_count=5)
    again = pickle.loads(pickle.dumps(changed))  # noqa: S301 - our own bytes
    assert (again.youtube_video_id, again.measured_at, again.view_count) == ("v", NOW, 5)
