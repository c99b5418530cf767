"""Another computer that has boards, over the system's ssh: an sshd of our own on the loopback."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.desk import DOUBLE, Desk, each_time
from tests.ssh_server import SshServer


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with SshServer(tmp_path_factory.mktemp("ssh")) as found:
        yield found


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Desk]:
    """The bench of the other computer: two boards and a virtual one."""
    folder = tmp_path / "there"
    folder.mkdir()
    with Desk(folder, {"one": each_time(None)(), "two": each_time(None)()}) as desk:
        with (folder / "bench.toml").open("a") as file:
            file.write(DOUBLE)
        yield desk
