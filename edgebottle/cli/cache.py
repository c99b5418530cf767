"""``edgebottle cache``."""

from __future__ import annotations

import click

from edgebottle.cli.options import json_option, print_json


def _kinds(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from edgebottle.build.cache_use import KINDS

    return [name for name, _, _ in KINDS if name.startswith(incomplete)]


@click.command("cache")
@click.argument("kinds", nargs=-1, shell_complete=_kinds)
@click.option("--clean", is_flag=True, help="Remove it: all, or only these KINDS.")
@json_option
def command(kinds: tuple[str, ...], clean: bool, as_json: bool) -> None:
    """Show what edgebottle keeps beside your projects, and how large it is; or remove it.

    All of it is made again when it is needed; the first build is slower then. Nothing is removed
    while a build is running.

    \b
    Examples:
      edgebottle cache
      edgebottle cache --clean
      edgebottle cache --clean projects images
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from dataclasses import asdict

    from edgebottle.build import cache_use
    from edgebottle.build.cache import cache_dir
    from edgebottle.cli.tables import cache_table
    from edgebottle.report.terminal import show
    from edgebottle.units import kilobytes

    known = [name for name, _, _ in cache_use.KINDS]
    for name in kinds:
        if name not in known:
            raise click.UsageError(f"There is no kind '{name}'; there are {', '.join(known)}.")
    found = cache_use.clean(kinds) if clean else cache_use.content()
    found = tuple(kind for kind in found if not kinds or kind.name in kinds)
    total = sum(kind.nbytes for kind in found)
    if as_json:
        shown = [asdict(kind) for kind in found]
        print_json({"folder": str(cache_dir()), "cleaned": clean, "bytes": total, "kinds": shown})
        return
    title = f"{'Removed from' if clean else 'Cache:'} {cache_dir()}"
    last = f"{kilobytes(total)} in all" + (
        "" if clean else "; `edgebottle cache --clean` removes it"
    )
    show(cache_table(title, found), last)
