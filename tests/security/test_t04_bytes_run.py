"""THREATS 4: the bytes verified are the bytes run; what changes on disk after the check changes nothing."""

from tests.exod.sandbox.rig import Rig


async def test_an_instance_runs_the_bytes_of_its_launch_and_no_file_of_that_name(rig: Rig) -> None:
    stored = rig.directory / "hello.py"
    stored.write_bytes(b"GREETING = 'verified'\n")
    tree = {"code/hello.py": (stored.read_bytes(), False)}
    launch = rig.launch(tree=tree)
    await rig.host.prepare(launch)
    stored.write_bytes(b"GREETING = 'swapped'\n")
    with (await rig.host.spawn(launch)).end as end:
        end.recv(65536)
        end.send(b"sys.path.insert(0, '/plugin/code') or __import__('hello').GREETING")
        assert end.recv(100) == b"'verified'"


async def test_every_file_inside_is_byte_for_byte_the_launchs(rig: Rig) -> None:
    tree = {f"code/m{number}.py": (b"x = %d\n" % number * number, False) for number in range(20)}
    peer = await rig.start(tree=tree)
    with peer.end:
        inside = peer.ask("{n: open('/plugin/code/' + n, 'rb').read() for n in sorted(os.listdir('/plugin/code'))}")
    assert eval(inside) == {path.removeprefix("code/"): data for path, (data, _) in tree.items()}
