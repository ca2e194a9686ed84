"""Presets: named parameters by which videos are transformed."""

# Typer reads annotations while the program runs, so they are not postponed here.

from typing import Annotated

import typer

from pipeline_store.channels import TransformationPreset
from pipeline_store.cli import tables
from pipeline_store.cli.answers import print_facts, second, spelled, tell
from pipeline_store.cli.json_input import json_object_in, json_object_in_file
from pipeline_store.cli.json_output import print_json
from pipeline_store.cli.options import AsJson, database_of
from pipeline_store.services.lookup import check_preset_is_new, everything, preset_named

preset_app = typer.Typer(
    help="Keep the parameters by which videos are transformed.", no_args_is_help=True
)

PresetName = Annotated[str, typer.Argument(metavar="NAME", help="The preset's name.")]


@preset_app.command("list")
def list_presets(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List all presets by name."""
    with database_of(context).unit_of_work(read_only=True) as uow:
        presets = sorted(everything(uow.presets), key=lambda preset: preset.name)
    if as_json:
        print_json(presets)
        return
    table = tables.new_table()
    tables.add_text_column(table, "preset", at_least=8)
    tables.add_exact_column(table, "default")
    tables.add_text_column(table, "description", at_least=12)
    tables.add_text_column(table, "parameters", at_least=12)
    for preset in presets:
        tables.add_row(
            table,
            (
                preset.name,
                tables.cell("yes", "green") if preset.is_default else None,
                preset.description,
                spelled(preset.parameters),
            ),
        )
    tables.print_table(table, "no presets yet: `pipeline-store preset add` adds one")


@preset_app.command("show")
def show(context: typer.Context, name: PresetName, *, as_json: AsJson = False) -> None:
    """Show a preset and all its parameters."""
    with database_of(context).unit_of_work(read_only=True) as uow:
        preset = preset_named(uow, name)
    if as_json:
        print_json(preset)
        return
    print_facts(
        [
            ("preset", preset.name),
            ("description", preset.description),
            ("default", "yes" if preset.is_default else "no"),
            ("parameters", spelled(preset.parameters)),
            ("added", second(preset.created_at)),
            ("changed", second(preset.updated_at)),
        ]
    )


@preset_app.command("add")
def add(
    context: typer.Context,
    name: PresetName,
    parameters: Annotated[
        str | None,
        typer.Argument(metavar="[JSON]", help='Its parameters, such as {"height": 1920}.'),
    ] = None,
    *,
    from_file: Annotated[
        str | None,
        typer.Option(
            "--from-file",
            metavar="FILE",
            help='Read the parameters from a file; "-" is the standard input.',
        ),
    ] = None,
    description: Annotated[
        str | None, typer.Option("--description", metavar="DESCRIPTION", help="What it is for.")
    ] = None,
    default: Annotated[
        bool, typer.Option("--default", help="Make it the default, in place of any other.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add a preset, with parameters as JSON text or from a file."""
    if parameters is not None and from_file is not None:
        message = "parameters are given as JSON or by --from-file, not both"
        raise typer.BadParameter(message)
    given = json_object_in("parameters", parameters or "{}")
    if from_file is not None:
        given = json_object_in_file(from_file)
    with database_of(context).unit_of_work() as uow:
        check_preset_is_new(uow, name)
        preset = uow.presets.add(
            TransformationPreset(name=name, description=description, parameters=given)
        )
        if default:
            preset = uow.presets.make_default(preset.id)
        uow.commit()
    sentence = f"preset {name} is added" + (" and is the default" if default else "")
    tell(preset, sentence, as_json=as_json)


@preset_app.command("default")
def make_default(context: typer.Context, name: PresetName, *, as_json: AsJson = False) -> None:
    """Make a preset the default, in place of any other."""
    with database_of(context).unit_of_work() as uow:
        preset = uow.presets.make_default(preset_named(uow, name).id)
        uow.commit()
    tell(preset, f"preset {name} is the default", as_json=as_json)


@preset_app.command("remove")
def remove(context: typer.Context, name: PresetName, *, as_json: AsJson = False) -> None:
    """Remove a preset; channels and videos that have it go on without."""
    with database_of(context).unit_of_work() as uow:
        uow.presets.remove(preset_named(uow, name))
        uow.commit()
    tell({"preset": name, "removed": True}, f"preset {name} is removed", as_json=as_json)
