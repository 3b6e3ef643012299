"""Manual pages, from the sources that `--help`, exod.toml and the manifest's schema come from → roff."""

from docs.man import commands, daemon, manifest, prose, settings


def pages() -> dict[str, str]:
    """File name → its roff."""
    return {
        "exod.8": daemon.page(),
        **commands.pages(),
        "exod.toml.5": settings.page(),
        "package.toml.5": manifest.page(),
        "exopkg.7": prose.page("exopkg", 7),
    }
