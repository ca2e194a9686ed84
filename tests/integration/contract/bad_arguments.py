"""Every bad value for every argument, found by looking at the signatures of the ports."""

from __future__ import annotations

import inspect
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, get_type_hints
from uuid import UUID

import attrs

from pipeline_store.claim import Claim
from pipeline_store.unit_of_work import Collections, Store
from tests.integration.contract.refused_values import (
    NO_INSTANTS,
    NO_JSON_OBJECTS,
    NO_JSON_VALUES,
    NO_KEYS,
    NO_LEASES,
    NO_LENGTHS,
    NO_TEXTS,
    NO_TRUTHS,
    NO_UUIDS,
    NO_WHOLE_NUMBERS,
    no_members,
)
from tests.integration.contract.samples import (
    CLASSES,
    EARLY,
    KEY_TYPES,
    LATE,
    NO_PARENTS,
    NO_ROW,
    sample,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

CLAIM = Claim(item=sample("jobs"), token=1, attempt=1, worker="worker-1", expires_at=LATE)
"""A claim that is one by its looks; nobody holds it."""

TASK_CLAIM = attrs.evolve(CLAIM, item=sample("tasks"))


def no_claims(claim: Claim[Any], another_class: Any) -> dict[str, Any]:
    """What is no claim of this kind."""
    return {
        "a text": "claim",
        "a number": 1,
        "a list": [claim],
        "on nothing": attrs.evolve(claim, item=None),
        "on another class": attrs.evolve(claim, item=another_class),
        "a text as token": attrs.evolve(claim, token="1"),  # noqa: S106
        "a truth as token": attrs.evolve(claim, token=True),
        "a fraction as token": attrs.evolve(claim, token=1.5),
        "a token beyond 64 bits": attrs.evolve(claim, token=2**63),
    }


NO_CLAIMS: Mapping[str, Any] = {
    **no_claims(CLAIM, sample("videos")),
    "a job": sample("jobs"),
    "on a task": TASK_CLAIM,
}
NO_CLAIMS_AT_ALL: Mapping[str, Any] = {
    **no_claims(CLAIM, sample("videos")),
    "a job": sample("jobs"),
    "a task": sample("tasks"),
}
NO_TASKS_OR_CLAIMS: Mapping[str, Any] = no_claims(TASK_CLAIM, sample("videos")) | {
    "on a job": CLAIM
}
NO_TASK_CLAIMS: Mapping[str, Any] = NO_TASKS_OR_CLAIMS | {"a task": sample("tasks")}
NOT_SEVERAL: Mapping[str, Any] = {
    "one text": "video-00001",
    "bytes": b"video",
    "a whole number": 1,
    "an object": object(),
    "nothing": None,
}

SOUND_TEXTS_AND_NUMBERS: Mapping[str, Any] = {
    "limit": 5,
    "n": 5,
    "run_id": 1,
    "error_id": 1,
    "key": "key-00001",
    "niche": "football",
    "video_id": "video-00001",
    "channel_id": "channel-00001",
    "source_url": "https://example.org/00001",
    "module": "render",
    "prefix": "key-",
    "value": "a value",
    "updated_by": "somebody",
    "worker": "worker-1",
    "message": "no space left",
    "notion_page_id": "0" * 32,
    "actor": "somebody",
    "reason": "too dark",
    "review": 1,
    "most_attempts": 5,
    "project": "project-1",
    "bucket": "youtube_uploads",
    "stage": "uploading",
    "units": 1,
    "platform": "youtube",
    "content_hash": "sha256:0",
    "external_id": "dQw4w9WgXcQ",
    "sealed_session": "v1.0123456789abcdef.c2VhbGVk",
}
"""Texts and whole numbers that are accepted, by the name of the argument."""

SOUND: Mapping[str, Any] = {
    "UUID": NO_PARENTS.channel,
    "datetime": EARLY,
    "timedelta": timedelta(hours=1),
    "Any": {"a": 1},
    "Iterable[str]": ["video-00001"],
    "Iterable[UUID]": [NO_PARENTS.channel],
    "Claim[ProcessingJob]": CLAIM,
    "Claim[Task]": TASK_CLAIM,
    "Task | Claim[Task]": sample("tasks"),
    "QuotaReservation": sample("quotas"),
    "Upload": sample("uploads"),
    "Iterable[Claim[Task]]": [TASK_CLAIM],
}
"""Arguments that are accepted, by their annotation."""

ENUMERATIONS = {
    hint.__name__: hint
    for kind in CLASSES.values()
    for hint in get_type_hints(kind).values()
    if isinstance(hint, type) and issubclass(hint, Enum)
}

ANY_CLAIMS = "Claim[ProcessingJob]] | Iterable[Claim[Task]"
"""What `Iterable[...]` is around where claims of either queue are taken."""

TAKEN_AS_TRUTHS = {"skipped", "unresolved_only"}
"""Arguments that may be anything."""

CHECKED_ELSEWHERE = {
    "Entity",
    "DiscoveredVideo",
    "PipelineRun",
    "QuotaPlan",
    "QuotaReservation",
    "Upload",
}
"""Annotations of objects: their fields are checked one by one, their class in every collection."""


class Argument(NamedTuple):
    """An argument of a method of a collection, the others that go with it, and what is refused."""

    collection: str
    method: str
    name: str
    others: Mapping[str, Any]
    refused: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.collection}.{self.method}({self.name})"


def arguments() -> Iterator[Argument]:
    """The arguments of every method of every collection."""
    for collection, port in get_type_hints(Collections).items():
        for method, function in inspect.getmembers(port, inspect.isfunction):
            if not method.startswith("_"):
                yield from arguments_of(collection, method, function)


def short_way() -> Iterator[Argument]:
    """The arguments of what a store does with jobs and with tasks by itself."""
    for queue, of_the_other in (("jobs", "most_attempts"), ("tasks", "job_types")):
        for method in ("claim_next", "claim_batch"):
            for argument in arguments_of(queue, method, getattr(Store, method)):
                if argument.name == "queue":
                    yield argument
                elif argument.name != of_the_other:
                    yield argument._replace(others={**argument.others, "queue": queue})
    for method in ("complete", "complete_many"):
        yield from arguments_of("jobs", method, getattr(Store, method))
    yield from arguments_of("tasks", "enqueue", Store.enqueue)


def arguments_of(collection: str, method: str, function: Callable[..., Any]) -> Iterator[Argument]:
    """The arguments of one method."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    kinds = {each.name: annotation_of(collection, each) for each in parameters}
    for parameter in parameters:
        kind = kinds[parameter.name]
        if kind in CHECKED_ELSEWHERE or parameter.name in TAKEN_AS_TRUTHS:
            continue
        others = {
            other.name: sound(kinds[other.name], other.name)
            for other in parameters
            if other is not parameter and other.default is inspect.Parameter.empty
        }
        refused = {**refused_argument(kind, method, parameter.name)}
        if not parameter.annotation.endswith(" | None") and kind != "Any":
            refused["nothing"] = None
        yield Argument(collection, method, parameter.name, others, refused)


def annotation_of(collection: str, parameter: inspect.Parameter) -> str:
    """The annotation, with the type of the collection's keys where that is meant."""
    annotation: str = parameter.annotation.removesuffix(" | None")
    names: dict[type[Any], str] = {int: "int", str: "str", UUID: "UUID"}
    return names[KEY_TYPES[collection]] if annotation == "Key_contra" else annotation


def sound(kind: str, name: str) -> Any:
    """A value that is accepted."""
    if kind in ENUMERATIONS:
        return next(iter(ENUMERATIONS[kind])).value
    if kind == "int" and name == "key":
        return NO_ROW[int]
    return SOUND[kind] if kind in SOUND else SOUND_TEXTS_AND_NUMBERS[name]


def refused_argument(kind: str, method: str, name: str) -> Mapping[str, Any]:
    """What an argument with this annotation cannot be, apart from None."""
    if kind in ENUMERATIONS:
        return no_members(ENUMERATIONS[kind])
    if kind.startswith("Iterable["):
        return refused_iterable(kind.removeprefix("Iterable[").removesuffix("]"))
    if kind == "str":
        return refused_text(method, name)
    if kind == "int":
        return NO_WHOLE_NUMBERS | refused_count(method, name)
    if kind == "timedelta":
        return refused_length(name)
    return {
        "Any": NO_JSON_VALUES,
        "Claim[ProcessingJob]": NO_CLAIMS,
        "Claim[ProcessingJob] | Claim[Task]": NO_CLAIMS_AT_ALL,
        "Claim[Task]": NO_TASK_CLAIMS,
        "Task | Claim[Task]": NO_TASKS_OR_CLAIMS,
        "Mapping[str, Any]": NO_JSON_OBJECTS,
        "Literal['jobs', 'tasks']": {
            "another": "clips",
            "empty": "",
            "a list": ["jobs"],
            "bytes": b"jobs",
            "a truth": True,
        },
        "UUID": NO_UUIDS,
        "bool": NO_TRUTHS,
        "datetime": NO_INSTANTS,
    }[kind]


def refused_length(name: str) -> Mapping[str, Any]:
    """What a length of time cannot be."""
    if name == "ageing":
        return {label: time for label, time in NO_LENGTHS.items() if time is not None}
    return NO_LEASES if name == "lease" else NO_LENGTHS


def refused_text(method: str, name: str) -> Mapping[str, Any]:
    """What a text cannot be."""
    is_part_of_an_index = (method, name) in {
        ("set", "key"),
        ("claim_next", "worker"),
        ("claim_batch", "worker"),
        *((decision, "actor") for decision in ("advance", "approve", "reject", "retry")),
    }
    if name in {"project", "bucket", "stage", "platform", "content_hash", "external_id"}:
        return NO_KEYS
    if name == "sealed_session":
        return NO_TEXTS | {"empty": "", "in the clear": "https://upload.example/1"}
    if (method, name) == ("reject", "reason"):
        return NO_TEXTS | {"empty": ""}
    return NO_KEYS if is_part_of_an_index else NO_TEXTS


def refused_count(method: str, name: str) -> Mapping[str, Any]:
    """What an argument that says how many cannot be."""
    if name in {"most_attempts", "review"}:
        least = {"most_attempts": 1, "review": 0}[name]
        return {"too few": least - 1, "negative": -1}
    if name == "units":
        return {"too many": 10**12 + 1, "negative": -1}
    if name not in {"limit", "n"}:
        return {}
    too_many = {"n": 1_001, "limit": 10_001}[name]
    beyond = {} if method == "pending" else {"too many": too_many}
    return {"none": 0, "negative": -1, **beyond}


def refused_iterable(kind: str) -> Mapping[str, Any]:
    """What an argument for several of a kind cannot be: none at all, or some with a bad one."""
    if kind == ANY_CLAIMS:
        either = refused_iterable("Claim[ProcessingJob]") | refused_iterable("Claim[Task]")
        return either | {"of both kinds": [CLAIM, TASK_CLAIM]}
    if kind in {"JobType", "TaskStatus"}:
        good = {"JobType": "download", "TaskStatus": "queued"}[kind]
        bad = no_members(ENUMERATIONS[kind]) | ({"draft": "draft"} if kind == "TaskStatus" else {})
        several = {label: [good, value] for label, value in bad.items()}
        return {**several, "none": [], "one": good, "a whole number": 1}
    if kind in {"Claim[ProcessingJob]", "Claim[Task]"}:
        claim, no_claim = {
            "Claim[ProcessingJob]": (CLAIM, NO_CLAIMS),
            "Claim[Task]": (TASK_CLAIM, NO_TASK_CLAIMS),
        }[kind]
        several = {label: [claim, value] for label, value in no_claim.items()}
        return {**NOT_SEVERAL, **several, "too many": [claim] * 1_001}
    if kind in {"str", "UUID"}:
        bad = {"str": NO_TEXTS, "UUID": NO_UUIDS}[kind]
        good = SOUND[f"Iterable[{kind}]"]
        return {**NOT_SEVERAL, **{label: [*good, value] for label, value in bad.items()}}
    return {
        **NOT_SEVERAL,
        "a mapping": {"a": 1},
        "objects of another class": [sample("errors", number=1), object()],
    }


ARGUMENTS = list(arguments())
SHORT_WAY = list(short_way())
