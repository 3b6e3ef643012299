import json

from exod.package import manifest
from tests.exoctl.conftest import Exoctl


def test_the_schema_is_the_one_exod_validates_with(exoctl: Exoctl) -> None:
    assert exoctl("--json", "package", "schema").json == manifest.schema()
    assert json.loads(exoctl("package", "schema").out) == manifest.schema()
