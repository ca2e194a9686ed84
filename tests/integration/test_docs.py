"""Every example in the documentation runs, and what it is said to print is what it prints."""

from __future__ import annotations

import contextlib
import doctest
import importlib.util
import io
import os
import re
import subprocess
import sys
import traceback
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints
from unittest.mock import patch

import pytest
import typer
from markdown_it import MarkdownIt

import pipeline_store
from pipeline_store import (
    channels,
    claim,
    errors,
    importers,
    legacy,
    production,
    schemas,
    secrets,
    tasks,
)
from pipeline_store.cli.app import app
from pipeline_store.importers import importing
from pipeline_store.services import (
    async_configuration,
    async_work,
    channel_removal,
    channels_overview,
    configuration,
    configuration_layers,
    configuration_reading,
    credentials,
    gates,
    jobs,
    key_rotation,
    lookup,
    overview,
    pauses,
    publishing,
    reviews,
    runs,
    settings,
    task_outlook,
    tasks_overview,
    work,
    work_holding,
    work_settings,
)
from pipeline_store.unit_of_work import Collections
from tests.conftest import is_on
from tests.integration.warm_commands import warm_commands
from tests.real_data import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

    from markdown_it.token import Token

DOCS = REPOSITORY / "docs"
PAGES = [
    REPOSITORY / "README.md",
    REPOSITORY / "CHANGELOG.md",
    *sorted(path for path in DOCS.rglob("*.md")),
]
ON_POSTGRESQL = {"docs/how-to/postgresql.md"}
"""Pages whose $PIPELINE_STORE_URL is a real server's."""

SECONDS_PER_COMMAND = 60
BIN = Path(sys.executable).parent


# Reading pages


@dataclass
class Example:
    """One block of a page, or one command of a block."""

    language: str
    code: str
    line: int
    expected: str | None = None


@dataclass
class Page:
    """What of a page can be checked."""

    path: Path
    examples: list[Example] = field(default_factory=list)
    inline: list[tuple[int, str]] = field(default_factory=list)
    links: list[tuple[int, str]] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)


class BadPageError(Exception):
    """Something on a page is not so, or cannot be checked."""

    def __init__(self, path: Path, line: int, what: str) -> None:
        shown = path.relative_to(REPOSITORY) if path.is_relative_to(REPOSITORY) else path.name
        super().__init__(f"{shown}:{line}: {what}")


@cache
def read_page(path: Path) -> Page:
    page = Page(path)
    line = 0
    tokens = MarkdownIt("commonmark").enable("table").parse(path.read_text("utf-8"))
    for position, token in enumerate(tokens):
        line = token.map[0] + 1 if token.map else line
        if token.type == "code_block":
            raise BadPageError(path, line, "indented code would not be run; fence it")
        if token.type == "html_block" and "```" in token.content:
            raise BadPageError(path, line, "code in a comment would not be run")
        if token.type == "fence":
            add_block(page, token, line)
        if token.type == "heading_open":
            add_anchor(page, tokens[position + 1].content)
        for child in token.children or ():
            if child.type == "code_inline":
                page.inline.append((line, child.content))
            if child.type == "link_open":
                page.links.append((line, str(child.attrGet("href"))))
    return page


def add_anchor(page: Page, title: str) -> None:
    """Name a heading as code hosts do."""
    slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
    count = 0
    while (anchor := f"{slug}-{count}" if count else slug) in page.anchors:
        count += 1
    page.anchors.add(anchor)


def add_block(page: Page, token: Token, line: int) -> None:
    match token.info.strip():
        case "python" | "bash" as language:
            page.examples.append(Example(language, token.content, line + 1))
        case "console":
            page.examples.extend(transcript(page.path, token.content, line + 1))
        case "text":
            last = page.examples[-1] if page.examples else None
            if last is None or last.language == "console" or last.expected is not None:
                raise BadPageError(page.path, line, "output of nothing: no block before printed it")
            last.expected = token.content
        case "mermaid":
            pass  # a picture
        case other:
            raise BadPageError(page.path, line, f"a block of {other or 'nothing'} is not run")


def transcript(path: Path, content: str, first_line: int) -> Iterator[Example]:
    """Yield the commands behind "$ ", each with what is shown below it."""
    example: Example | None = None
    for line, text in enumerate(content.splitlines(keepends=True), first_line):
        if text.startswith("$ "):
            if example:
                yield example
            example = Example("console", text[2:], line)
        elif example is None:
            raise BadPageError(path, line, "a transcript starts with a command behind '$ '")
        elif text.startswith("> ") and example.expected is None:
            example.code += text[2:]
        else:
            example.expected = (example.expected or "") + text
    if example is None:
        raise BadPageError(path, first_line, "a transcript without a command")
    yield example


# Running pages


@dataclass
class Runner:
    """Runs a page's examples in order, in one folder and with one namespace."""

    page: Page
    folder: Path
    environment: Mapping[str, str]
    namespace: dict[str, Any] = field(default_factory=lambda: {"__name__": "__main__"})
    files: dict[str, int] = field(default_factory=dict[str, int])

    def run(self) -> None:
        for example in self.page.examples:
            run = self.run_python if example.language == "python" else self.run_command
            printed = run(example)
            if example.expected is not None:
                self.compare(example, printed)
        for name, line in self.files.items():
            raise BadPageError(self.page.path, line, f"no command runs {name}")

    def run_python(self, example: Example) -> str:
        if name := re.match(r"# (\w+\.py)\n", example.code):
            (self.folder / name[1]).write_text(example.code, "utf-8")
            self.files[name[1]] = example.line
            return ""
        # Line numbers in a traceback are then those of the page.
        source = "\n" * (example.line - 1) + example.code
        printed = io.StringIO()
        try:
            code = compile(source, str(self.page.path), "exec", dont_inherit=True)
            with contextlib.redirect_stdout(printed):
                exec(code, self.namespace)  # noqa: S102 - running examples is what this is for
        except Exception as error:  # noqa: BLE001 - whatever a reader would see
            told = "".join(traceback.format_exception(error)[-6:])
            raise BadPageError(self.page.path, example.line, f"failed:\n{told}") from None
        return printed.getvalue()

    def run_command(self, example: Example) -> str:
        self.files = {name: line for name, line in self.files.items() if name not in example.code}
        command = self.in_this_environment(example)
        try:
            done = subprocess.run(
                ["/bin/bash", "-euo", "pipefail", "-c", command],
                cwd=self.folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=SECONDS_PER_COMMAND,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise BadPageError(self.page.path, example.line, "took too long") from None
        printed = done.stdout.decode()
        if done.returncode:
            told = f"{example.code.strip()}: exit code {done.returncode}\n{printed}"
            raise BadPageError(self.page.path, example.line, told)
        return printed

    def in_this_environment(self, example: Example) -> str:
        """Replace what sets up an environment by what it comes to in the present one."""
        words = example.code.split()
        if words[0] == "make":
            try:
                return behind_make_target(words[1])
            except LookupError as error:
                raise BadPageError(self.page.path, example.line, str(error)) from None
        if words[:2] == ["pip", "install"]:
            wanted = set(re.findall(r"[\w-]+", "".join(re.findall(r"\[(.*?)\]", example.code))))
            if unknown := wanted - extras():
                raise BadPageError(self.page.path, example.line, f"no extra {min(unknown)}")
            return ":"
        return example.code

    def compare(self, example: Example, printed: str) -> None:
        """Compare line ends aside; "..." stands for anything."""
        wanted, found = trimmed(example.expected or ""), trimmed(printed)
        if not doctest.OutputChecker().check_output(wanted, found, doctest.ELLIPSIS):
            told = f"shown\n{wanted}\nprinted\n{found}"
            raise BadPageError(self.page.path, example.line, told)


def trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines()) + "\n"


@cache
def behind_make_target(target: str) -> str:
    """The commands of a target without the set-up; of the tests, none, since they are running."""
    dry = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", target],  # noqa: S607 - as a person would
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    commands = [line for line in dry.stdout.splitlines() if line != "scripts/setup"]
    if dry.returncode or not commands:
        message = f"make knows no target {target}"
        raise LookupError(message)
    if target == "test":
        assert "-m pytest" in commands[0]
        return ":"
    if target == "demo" and not is_on("PIPELINE_STORE_SOAK"):
        # Each worker is an interpreter that loads everything; one of two is killed as well.
        commands = [f"{command} --workers 2" for command in commands]
    return "\n".join(line.replace(".venv/bin/", "") for line in commands)


@cache
def extras() -> set[str]:
    built = importlib.metadata.metadata("pipeline-store")
    return set(built.get_all("Provides-Extra") or ())


def run_page(path: Path, folder: Path, environment: Mapping[str, str]) -> None:
    # What a page sets in the environment is not there for the tests after it.
    with patch.dict(os.environ):
        Runner(read_page(path), folder, environment).run()


@pytest.fixture(scope="session")
def programs() -> Iterator[str]:
    """Folders of the package's commands; `make soak` starts them as a reader does."""
    if is_on("PIPELINE_STORE_SOAK"):
        yield str(BIN)
        return
    with warm_commands() as folder:
        yield f"{folder}:{BIN}"


@pytest.fixture
def environment(tmp_path: Path, programs: str) -> dict[str, str]:
    """What a person has: the package's commands, a home and a terminal."""
    kept = {name: os.environ[name] for name in os.environ if name.startswith(("COV", "LC_"))}
    return kept | {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "COLUMNS": "100",
        "TERM": "dumb",
        "NO_COLOR": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        # A reader's pytest has none of our plugins.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }


def name_of(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


MARKED_PAGES = [
    pytest.param(
        path,
        id=name_of(path),
        marks=[pytest.mark.postgres] if name_of(path) in ON_POSTGRESQL else [],
    )
    for path in PAGES
]


@pytest.mark.parametrize("path", MARKED_PAGES)
def test_every_example_of_the_page_does_what_it_says(
    path: Path,
    tmp_path: Path,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("PIPELINE_STORE_URL", raising=False)
    if name_of(path) in ON_POSTGRESQL:
        url = request.getfixturevalue("empty_postgres_url")
        monkeypatch.setenv("PIPELINE_STORE_URL", url)
        environment["PIPELINE_STORE_URL"] = url
    try:
        run_page(path, folder, environment)
    except BadPageError as problem:
        pytest.fail(str(problem), pytrace=False)


# What is said between the examples


@cache
def known_names() -> set[str]:
    """Names that a page may use as if everybody knew them."""
    modules: list[ModuleType] = [
        pipeline_store,
        channels,
        production,
        tasks,
        schemas,
        secrets,
        errors,
        importers,
        importing,
        legacy,
    ]
    modules += [*SERVICES.values(), async_configuration, configuration, settings]
    modules += [configuration_layers, configuration_reading, claim]
    modules += [work, async_work, work_holding, work_settings]
    return {name for module in modules for name in vars(module)} | OUTSIDE


OUTSIDE = {
    "None",
    "True",
    "False",
    "ValueError",
    "Exception",
    "LookupError",
    "UserWarning",
    "SqlUnitOfWork",
}
SERVICES = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        channel_removal,
        channels_overview,
        credentials,
        gates,
        jobs,
        key_rotation,
        lookup,
        overview,
        pauses,
        publishing,
        reviews,
        runs,
        task_outlook,
        tasks_overview,
    )
}


def check_words(page: Page) -> None:
    check_inline(page)
    check_links(page)


def check_inline(page: Page) -> None:
    for line, text in page.inline:
        problem = problem_with(text)
        if problem:
            raise BadPageError(page.path, line, f"`{text}`: {problem}")


def problem_with(text: str) -> str | None:
    """Return what is wrong with inline code, where it is of a kind that can be checked."""
    words = text.split()
    if text.startswith("pipeline-store ") and not text.startswith("pipeline-store["):
        return problem_with_command(words[1:])
    if words[0] == "make" and len(words) == 2:
        try:
            behind_make_target(words[1])
        except LookupError as error:
            return str(error)
    if re.fullmatch(r"[A-Z][a-z]+[A-Za-z]*", text) and text not in known_names():
        return "no such class"
    if dotted := re.match(r"(uow|store|[a-z_]+)\.([a-z_]+)(?:\.([a-z_]+))?\b", text):
        return problem_with_dotted(*dotted.groups())
    return None


def problem_with_dotted(owner: str, name: str, method: str | None) -> str | None:
    ports = get_type_hints(Collections)
    if owner == "uow":
        port = ports.get(name)
        if port is None:
            face = pipeline_store.AsyncUnitOfWork
            return None if hasattr(face, name) else "a unit of work has no such name"
        return None if method is None or hasattr(port, method) else f"{name} has no {method}"
    if owner == "store":
        known = hasattr(pipeline_store.AsyncStore, name) or name in {"engine", "adopt"}
        return None if known else "a store has no such name"
    homes = [home for home in (ports.get(owner), SERVICES.get(owner)) if home is not None]
    if homes and not any(hasattr(home, name) for home in homes):
        return f"{owner} has no {name}"
    return None


@cache
def command_line() -> Any:
    return typer.main.get_command(app)


def problem_with_command(words: list[str]) -> str | None:
    """Walk the verbs; what is in capitals or brackets stands for something of the reader's."""
    command = command_line()
    for word in words:
        options = {option for p in command.params for option in (*p.opts, *p.secondary_opts)}
        if word.startswith("--"):
            if word.partition("=")[0] not in options | {"--help"}:
                return f"no option {word}"
        elif hasattr(command, "commands") and re.fullmatch(r"[a-z][a-z-]*", word):
            if word not in command.commands:
                return f"no command {word}"
            command = command.commands[word]
    return None


def check_links(page: Page) -> None:
    for line, link in page.links:
        if "://" in link:
            raise BadPageError(page.path, line, f"{link}: a link that no test can follow")
        name, _, anchor = link.partition("#")
        target = (page.path.parent / name).resolve() if name else page.path
        if not target.exists():
            raise BadPageError(page.path, line, f"{link}: no such file")
        if anchor and anchor not in read_page(target).anchors:
            raise BadPageError(page.path, line, f"{link}: no such heading")


@pytest.mark.parametrize("path", PAGES, ids=map(name_of, PAGES))
def test_commands_names_and_links_between_the_examples_exist(path: Path) -> None:
    try:
        check_words(read_page(path))
    except BadPageError as problem:
        pytest.fail(str(problem), pytrace=False)


def test_every_page_is_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [REPOSITORY / "README.md"]
    while waiting:
        page = read_page(waiting.pop())
        reached.add(page.path)
        targets = {(page.path.parent / link.partition("#")[0]).resolve() for _, link in page.links}
        waiting += [t for t in targets if t.suffix == ".md" and t not in reached]
    assert sorted(map(name_of, set(PAGES) - reached)) == []


def test_generated_pages_are_up_to_date() -> None:
    described = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert described is not None
    assert described.loader is not None
    generate = importlib.util.module_from_spec(described)
    described.loader.exec_module(generate)
    wanted: dict[str, str] = generate.pages()
    found = {path.name: path.read_text("utf-8") for path in (DOCS / "reference").iterdir()}
    stale = sorted(name for name in wanted | found if wanted.get(name) != found.get(name))
    assert stale == [], "run `make docs`"


# These tests can fail


WRONG_EXAMPLES = {
    "an example that raises": "```python\n1 / 0\n```\n",
    "an example that does not parse": "```python\n(\n```\n",
    "a value that is not printed": "```python\nprint(1)\n```\n\n```text\n2\n```\n",
    "output of a command that prints something else": "```console\n$ echo a\nb\n```\n",
    "output of a script that prints something else": "```bash\necho a\n```\n\n```text\nb\n```\n",
    "output of our command that prints something else": (
        "```console\n$ pipeline-store --version\na\n```\n"
    ),
    "another exit code of our command": (
        '```console\n$ pipeline-store status || echo "code $?"\n...\ncode 2\n```\n'
    ),
    "a failure of our command": "```console\n$ pipeline-store status\n```\n",
    "a command that fails": "```console\n$ false\n```\n",
    "a failure in the middle of a script": "```bash\nfalse\necho b\n```\n",
    "a command that does not exist": "```console\n$ pipeline-shop status\n```\n",
    "a verb that does not exist": "```console\n$ pipeline-store statuses\n```\n",
    "a target that does not exist": "```console\n$ make money\n```\n",
    "an extra that does not exist": "```console\n$ pip install '.[oracle]'\n```\n",
    "a block of another language": "```sql\nSELECT 1\n```\n",
    "a block of no language": "```\nSELECT 1\n```\n",
    "indented code": "Run\n\n    rm -rf x\n",
    "code in a comment": "<!--\n```python\n1\n```\n-->\n",
    "output of nothing": "```text\n1\n```\n",
    "two outputs of one block": "```python\nprint(1)\n```\n```text\n1\n```\n```text\n1\n```\n",
    "a transcript without a command": "```console\npipeline-store status\n```\n",
    "a file that nothing runs": "```python\n# job.py\n1 / 0\n```\n",
    "a warning": "```python\nimport warnings\nwarnings.warn('old')\n```\n",
}


@pytest.mark.parametrize("text", WRONG_EXAMPLES.values(), ids=WRONG_EXAMPLES.keys())
def test_a_page_fails_for(
    text: str, tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "page.md"
    path.write_text(f"# Page\n\n{text}", "utf-8")
    with pytest.raises(BadPageError):
        run_page(path, tmp_path, environment)


RIGHT_EXAMPLES = """# Page

```python
import os

os.environ["SET_BY_A_PAGE"] = "1"
a = 1
```

```python
print(a, "of many")
```

```text
1 of ...
```

```python
# job.py
print("done")
```

```console
$ python \\
>   job.py
done
$ false || echo no
no
$ pipeline-store status || echo "code $?"
error: no database at ...
code 1
$ pipeline-store init 2>&1 > /dev/null; NO_COLOR= pipeline-store current | cut -c 1-2
pi
```
"""


def test_a_page_passes_whose_examples_are_right(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "page.md"
    path.write_text(RIGHT_EXAMPLES, "utf-8")
    run_page(path, tmp_path, environment)
    assert "SET_BY_A_PAGE" not in os.environ


WRONG_WORDS = {
    "a verb": "`pipeline-store statuses`",
    "a verb in a group": "`pipeline-store review applaud 4`",
    "an option": "`pipeline-store status --jason`",
    "a target": "`make money`",
    "a class": "`VideoNotFound`",
    "a collection": "`uow.films`",
    "a method": "`uow.clips.for_video(id)`",
    "a method of a collection named alone": "`pipeline_runs.for_niche`",
    "a service": "`reviews.applaud`",
    "a method of a store": "`store.open()`",
    "a page": "[there](there.md)",
    "a heading": "[below](#below)",
    "another site": "[home](https://example.org)",
}


@pytest.mark.parametrize("text", WRONG_WORDS.values(), ids=WRONG_WORDS.keys())
def test_a_page_fails_that_names_a_missing(text: str, tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(f"# Page\n\nSee {text}.\n", "utf-8")
    with pytest.raises(BadPageError):
        check_words(read_page(path))
