"""What the review bot asks of the store: every verb is one call in one unit of work."""

# Typer reads annotations while the program runs, so they are not postponed here.

import re
from collections.abc import Callable
from typing import Annotated, Any, Final

import typer

from pipeline_store.cli import tables
from pipeline_store.cli.config_options import Declared, configuration_of
from pipeline_store.cli.error_commands import errors, resolve
from pipeline_store.cli.escaping import visible
from pipeline_store.cli.json_output import print_json
from pipeline_store.cli.options import AsJson, Hours, RunId, database_of, review_limit
from pipeline_store.cli.overview_commands import DEFAULT_HOURS, queue, stats, status
from pipeline_store.production import PipelineRun, ReviewLog
from pipeline_store.production.config_override import SYSTEM
from pipeline_store.production.review_log import MOST_DIGITS
from pipeline_store.services import pauses, publishing, reviews, runs
from pipeline_store.unit_of_work import UnitOfWork

review_app = typer.Typer(
    help="Decide about runs: ask, answer, upload, pause.",
    no_args_is_help=True,
)

_RANK: Final = f"[0-9]{{1,{MOST_DIGITS}}}"
_RANKS: Final = re.compile(f"{_RANK}(,{_RANK})*")

Why = Annotated[str | None, typer.Argument(metavar="[REASON]", help="Kept with the answer.")]


def _only_the_id(given: str) -> str:
    """Refuse the address of a video, which people have at hand, and nothing at all."""
    if not re.fullmatch(r"[^\s/]+", given):
        message = "YOUTUBE_ID: the id alone expected, such as dQw4w9WgXcQ"
        raise typer.BadParameter(message)
    return given


YouTubeId = Annotated[
    str,
    typer.Argument(metavar="YOUTUBE_ID", help="The id that YouTube gave.", callback=_only_the_id),
]
YouTubeUrl = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="Where it is watched, if not at the usual place."),
]
Niche = Annotated[str, typer.Argument(metavar="NICHE")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who asks for it.")]

review_app.command("status")(status)
review_app.command("queue")(queue)
review_app.command("stats")(stats)
review_app.command("errors")(errors)
review_app.command("resolve")(resolve)


def _decide(
    context: typer.Context,
    run_id: int,
    decide: Callable[[UnitOfWork], ReviewLog],
    *,
    as_json: bool,
) -> None:
    """Record one request or answer and tell how the run stands now."""
    with database_of(context).unit_of_work() as uow:
        review = decide(uow)
        run = uow.pipeline_runs.get(run_id)
        uow.commit()
    if as_json:
        print_json({"run": run, "review": review})
    else:
        what = "asked for a review" if review.action is None else f"recorded {review.action}"
        detail = f" ({review.response_detail})" if review.response_detail else ""
        tables.say(f"{what}{detail}; {_standing(run)}")


def _standing(run: PipelineRun) -> str:
    return f"run {run.id} ({run.niche}) is {run.status}"


@review_app.command("request")
def request(context: typer.Context, run_id: RunId, *, as_json: AsJson = False) -> None:
    """Ask for a review: the run goes from running to review."""
    _decide(context, run_id, lambda uow: reviews.request(uow, run_id), as_json=as_json)


@review_app.command("approve")
def approve(
    context: typer.Context, run_id: RunId, why: Why = None, *, as_json: AsJson = False
) -> None:
    """Approve a run: it may be uploaded."""
    _decide(context, run_id, lambda uow: reviews.approve(uow, run_id, why), as_json=as_json)


@review_app.command("reject")
def reject(
    context: typer.Context, run_id: RunId, why: Why = None, *, as_json: AsJson = False
) -> None:
    """Reject a run: it has failed, with the reason as its error."""
    _decide(context, run_id, lambda uow: reviews.reject(uow, run_id, why), as_json=as_json)


@review_app.command("hold")
def hold(
    context: typer.Context, run_id: RunId, why: Why = None, *, as_json: AsJson = False
) -> None:
    """Put the decision off: the run stays in review."""
    _decide(context, run_id, lambda uow: reviews.hold(uow, run_id, why), as_json=as_json)


@review_app.command("skip")
def skip(
    context: typer.Context,
    run_id: RunId,
    ranks: Annotated[
        list[str], typer.Argument(metavar="RANKS", help="Ranks of clips, such as 4,7.")
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Leave clips out, by rank: the run goes back to running."""
    wanted: list[int] = []
    for listed in ranks:
        if not _RANKS.fullmatch(listed):
            message = f"ranks such as 4,7 expected, found {visible(listed)!r}"
            raise typer.BadParameter(message)
        wanted += [int(rank) for rank in listed.split(",")]
    _decide(context, run_id, lambda uow: reviews.skip(uow, run_id, wanted), as_json=as_json)


@review_app.command("redo-script")
def redo_script(
    context: typer.Context, run_id: RunId, why: Why = None, *, as_json: AsJson = False
) -> None:
    """Have the script written anew: the run goes back to running."""
    _decide(context, run_id, lambda uow: reviews.redo_script(uow, run_id, why), as_json=as_json)


@review_app.command("hold-overdue")
def hold_overdue(
    context: typer.Context, hours: Hours = DEFAULT_HOURS, *, as_json: AsJson = False
) -> None:
    """Hold every request that nobody has answered in time."""
    with database_of(context).unit_of_work() as uow:
        held = uow.reviews.hold_overdue(review_limit(hours))
        uow.commit()
    if as_json:
        print_json(held)
        return
    for review in held:
        asked = tables.instant(review.sent_at)
        tables.say(f"run {review.pipeline_run_id} is held: no answer since {asked} UTC", "yellow")
    if not held:
        tables.say("no request is overdue", "dim")


@review_app.command("upload")
def upload(
    context: typer.Context,
    run_id: RunId,
    youtube_id: YouTubeId,
    url: YouTubeUrl = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Record that an approved run is on YouTube; a held one is approved by this."""
    with database_of(context).unit_of_work() as uow:
        run = publishing.upload_run(uow, run_id, youtube_id, url)
        uow.commit()
    _tell({"run": run}, f"{_standing(run)}: {run.youtube_url}", as_json=as_json)


@review_app.command("upload-short")
def upload_short(
    context: typer.Context,
    short_id: Annotated[int, typer.Argument(metavar="SHORT", help="The short's id.")],
    youtube_id: YouTubeId,
    url: YouTubeUrl = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Record that a short of an approved run is on YouTube."""
    with database_of(context).unit_of_work() as uow:
        short = publishing.upload_short(uow, short_id, youtube_id, url)
        uow.commit()
    _tell(
        {"short": short},
        f"short {short.id} is {short.status}: {short.youtube_url}",
        as_json=as_json,
    )


@review_app.command("retry")
def retry(context: typer.Context, run_id: RunId, *, as_json: AsJson = False) -> None:
    """Take a failed or rejected run back to pending, 3 times at the most."""
    with database_of(context).unit_of_work() as uow:
        run = runs.retry(uow, run_id)
        uow.commit()
    _tell({"run": run}, _standing(run), as_json=as_json)


@review_app.command("pause")
def pause(
    context: typer.Context, niche: Niche, by: By = SYSTEM, *, as_json: AsJson = False
) -> None:
    """Start no new work for a niche."""
    with database_of(context).unit_of_work() as uow:
        pauses.pause_niche(uow, niche, by)
        uow.commit()
    _tell({"niche": niche, "is_paused": True}, f"{niche} is paused", as_json=as_json)


@review_app.command("resume")
def resume(context: typer.Context, niche: Niche, *, as_json: AsJson = False) -> None:
    """End a niche's pause."""
    with database_of(context).unit_of_work() as uow:
        was_paused = pauses.resume_niche(uow, niche)
        uow.commit()
    sentence = f"{niche} goes on" if was_paused else f"{niche} was not paused"
    _tell({"niche": niche, "is_paused": False, "was_paused": was_paused}, sentence, as_json=as_json)


@review_app.command("set")
def set_value(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY")],
    value: Annotated[str, typer.Argument(metavar="VALUE")],
    by: By = SYSTEM,
    *,
    declared: Declared = None,
    as_json: AsJson = False,
) -> None:
    """Set a configuration value, in place of an older one.

    Of a declared setting the value is checked, and the change is journalled, as by `config set`;
    any other key takes any text.
    """
    with configuration_of(context, declared, None) as (configuration, settings, store):
        setting = settings.find(key)
        if setting is not None:
            configuration.set(key, setting.read_text(value), by=by)
        with store.unit_of_work(read_only=setting is not None) as uow:
            if setting is None:
                override = uow.config_overrides.set(key, value, by)
                uow.commit()
            else:
                override = uow.config_overrides.get(key)
    _tell({"override": override}, f"{override.key} is {override.value}", as_json=as_json)


def _tell(document: dict[str, Any], sentence: str, *, as_json: bool) -> None:
    if as_json:
        print_json(document)
    else:
        tables.say(sentence)
