"""`package schema`: what package.toml may say, as JSON Schema."""

import json

from exoctl.session import Session
from exoctl.verb import verb


@verb(example="exoctl package schema > package.schema.json")
def command(session: Session) -> None:
    """Prints the JSON Schema of package.toml: the table that exod itself validates with."""
    from exod.package import manifest

    schema = manifest.schema()
    if session.json_mode:
        session.printer.document(schema)
    else:
        session.printer.text(json.dumps(schema, indent=2))
