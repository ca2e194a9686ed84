"""How the command starts and ends, as a process of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command

from pipeline_store.cli.app import app
from pipeline_store.services import overview

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.cli.conftest import Command

PROGRAM = str(Path(sys.executable).with_name("pipeline-store"))


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments, cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_installed_command_does_its_work(tmp_path: Path) -> None:
    """`pipeline-store` makes pipeline.db in the current folder and reads it back."""
    made = run(PROGRAM, "init", cwd=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    assert (tmp_path / "pipeline.db").is_file()
    listed = run(PROGRAM, "status", "--json", cwd=tmp_path)
    empty = {"niches": [], "channels": [], "tasks_by_status": {}}
    empty |= {"paused_jobs": [], "missing_keys": {}}
    assert (listed.returncode, json.loads(listed.stdout)) == (0, empty)


def test_the_module_is_the_command(tmp_path: Path) -> None:
    """`python -m pipeline_store` is `pipeline-store`, exit code included."""
    refused = run(sys.executable, "-m", "pipeline_store", "status", cwd=tmp_path)
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: no database at pipeline.db")
    assert list(tmp_path.iterdir()) == []


def test_help_comes_without_a_database_library() -> None:
    """Help and version load neither SQLAlchemy nor Alembic."""
    script = """
import sys
from pipeline_store.cli import main
for asked in ("--help", "--version", "import --help", "review skip --help"):
    code = main(asked.split())
    loaded = {"sqlalchemy", "alembic", "psycopg"} & set(sys.modules)
    if code or loaded:
        sys.exit(f"{asked}: {code}, loaded {loaded}")
    print("end of", asked)
"""
    done = run(sys.executable, "-c", script)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("Usage:") == done.stdout.count("--help\n") == 3
    assert f"pipeline-store {version('pipeline-store')}\n" in done.stdout


def test_work_on_a_database_loads_only_what_it_needs(tmp_path: Path, migrated_file: Path) -> None:
    """Alembic is loaded to change a schema, readers to read files; other commands go without."""
    shutil.copy(migrated_file, tmp_path / "pipeline.db")
    script = """
import sys
from pipeline_store.cli import main
for asked in ("status", "current", "review queue", "init", "downgrade 0001 --yes"):
    code = main(asked.split())
    loaded = {"alembic", "psycopg", "asyncpg", "pipeline_store.importers"} & set(sys.modules)
    print(code, *sorted(loaded), file=sys.stderr)
"""
    done = run(sys.executable, "-c", script, cwd=tmp_path)
    assert done.stderr.splitlines() == ["0", "0", "0", "0", "0 alembic"]


def test_the_version_is_the_package_s(command: Command) -> None:
    """`--version` prints the installed version."""
    assert (
        command.without_database("--version").out == f"pipeline-store {version('pipeline-store')}\n"
    )


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_the_extra_it_says_how_to_install_it(missing: str) -> None:
    """A missing typer or rich is one line with the cure."""
    script = f"""
import sys
sys.modules[{missing!r}] = None
from pipeline_store.cli import main
sys.exit(main(["status"]))
"""
    done = run(sys.executable, "-c", script)
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert "pip install 'pipeline-store[cli]'" in line


def test_a_missing_module_of_our_own_is_not_taken_for_the_extra() -> None:
    """Only what the extra installs is answered with its cure; a bug stays a traceback."""
    script = """
import sys
sys.modules["pipeline_store.cli.tables"] = None
from pipeline_store.cli import main
main(["status"])
"""
    assert "ModuleNotFoundError" in run(sys.executable, "-c", script).stderr


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path, migrated_file: Path) -> None:
    """A closed pipe ends the command without a word."""
    shutil.copy(migrated_file, tmp_path / "pipeline.db")
    with subprocess.Popen(
        [PROGRAM, "review", "stats", "--json"],
        cwd=tmp_path,
        # Without a buffer the closed pipe is noticed early, and not when the command ends.
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 1


@pytest.mark.parametrize(
    ("redirected", "code", "told"),
    [(">/dev/full", 1, "error: No space left on device\n"), ("<&- >&-", 0, "")],
    ids=["on a full disk", "closed"],
)
def test_an_output_that_takes_nothing(
    tmp_path: Path, migrated_file: Path, redirected: str, code: int, told: str
) -> None:
    """An output that cannot be written is told in a line; without one, the work is done."""
    shutil.copy(migrated_file, tmp_path / "pipeline.db")
    script = f'exec "$0" review pause gaming {redirected}'
    done = run("/bin/sh", "-c", script, PROGRAM, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (code, told)


def test_control_c_is_quiet(seeded: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted command says nothing and exits as shells expect."""

    def interrupt(_uow: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(overview, "status", interrupt)
    done = seeded("status")
    assert (done.code, done.out, done.err) == (130, "", "")


def test_a_terminal_without_the_letters_gets_their_numbers(
    tmp_path: Path, migrated_file: Path
) -> None:
    """Output in an encoding that lacks a letter is escaped, not a crash."""
    shutil.copy(migrated_file, tmp_path / "pipeline.db")
    paused = subprocess.run(
        [PROGRAM, "review", "pause", "Música 漢"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert paused.stdout == "Música \\u6f22 is paused\n".encode("latin-1")


@pytest.mark.parametrize(
    "arguments",
    [
        ["statu"],
        ["--unknown", "status"],
        ["status", "--unknown"],
        ["import", "trending"],
        ["import", "nothing", "x.csv"],
        ["review", "skip", "1", "four"],
        ["review", "skip", "1", "4;7"],
        ["review", "approve", "one"],
        ["review", "hold-overdue", "--hours", "nan"],
        ["review", "hold-overdue", "--hours", "-1"],
        ["errors", "--limit", "0"],
        ["errors", "--json", "list"],
        ["downgrade"],
        ["demo", "file.csv"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_two(command: Command, arguments: list[str]) -> None:
    """What cannot be understood is one line on the standard error, and exit code 2."""
    done = command(*arguments)
    assert (done.code, done.out) == (2, "")
    [line] = done.err.splitlines()
    assert line.startswith("error: ")
    assert "--help`" in line


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ("publishd", " Did you mean 'published'? (try "),
        ("failed", "'upload_error'. (try "),
    ],
)
def test_a_word_that_is_none_of_the_legal_ones(command: Command, found: str, said: str) -> None:
    """What is legal, and what was meant most likely; no word of the library that looked."""
    done = command("task", "list", "--status", found)
    assert done.code == 2
    assert f"error: Invalid value for '--status': '{found}' is not one of 'draft', " in done.err
    assert said in done.err


def test_a_word_that_is_not_there(command: Command) -> None:
    """The legal ones stand in the line, as they do for a wrong one."""
    done = command("job", "add", "nature1")
    assert done.code == 2
    assert (
        "error: Missing argument 'TYPE'. Choose from: scrape, download, transform, publish (try "
        in done.err
    )


def all_commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, below in getattr(command, "commands", {}).items():
        yield from all_commands(below, (*path, name))


def test_help_names_what_an_option_takes(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A word where a value is expected, and nothing where there is none."""
    monkeypatch.setenv("COLUMNS", "120")
    seen = 0
    for path in all_commands(get_command(app)):
        for line in command.without_database(*path, "--help").out.splitlines():
            if re.match(r"│( \*|  )? *--", line):
                seen += 1
                assert not re.search(r"<bool>|<str>|range>|\bTEXT\b|INTEGER|BOOLEAN", line), (
                    path,
                    line,
                )
    assert seen > 200


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("config set", r"\{?KEY\}? \[VALUE\]"),
        ("import trending", r"\{?FILE\}?\.\.\."),
        ("review skip", r"\{?RUN\}? \{?RANKS\}?\.\.\."),
    ],
)
def test_usage_marks_arguments_once(command: Command, path: str, arguments: str) -> None:
    """Brackets around what may be left out, dots behind what may be repeated."""
    shown = command.without_database(*path.split(), "--help").out
    assert re.search(rf"Usage: pipeline-store {path} \[OPTIONS\] {arguments} *\n", shown)


@pytest.mark.parametrize("arguments", [[], ["import"], ["review"]], ids=repr)
def test_without_a_verb_it_shows_the_verbs(command: Command, arguments: list[str]) -> None:
    """No verb is wrong usage, answered with the help and nothing else."""
    done = command(*arguments)
    assert done.code == 2
    assert "Usage:" in done.out + done.err
    assert "error" not in done.err


def test_the_demo_gets_the_database_and_the_files(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`demo --from A B --from C` hands over the URL and the files, as they were given."""
    handed: list[tuple[str, list[str], int]] = []

    def take(url: str, files: list[Path], _console: object, *, workers: int) -> None:
        handed.append((url, sorted(map(str, files)), workers))

    monkeypatch.setattr("pipeline_store.cli.demo.run_demo", take)
    files = ("--from", "a.csv", "b.csv", "--from", "c.csv")
    assert command.on("some where.db", "demo").code == 0
    assert command.on("x.db", "demo", "--workers", "0", *files).code == 0
    assert handed == [
        ("sqlite:///some where.db", [], 4),
        ("sqlite:///x.db", ["a.csv", "b.csv", "c.csv"], 0),
    ]
