"""Another computer that has boards, over the system's ssh: an sshd of our own on the loopback."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edgebottle.build.cache import cache_dir
from tests.lab.desk import DOUBLE, Desk, each_time
from tests.ssh_server import SshServer


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with SshServer(tmp_path_factory.mktemp("ssh")) as found:
        yield found


@pytest.fixture
def own_bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's cache but for what benches keep there, which tests at the same time change."""
    folder = tmp_path / "cache"
    folder.mkdir()
    for path in cache_dir().iterdir():
        if path.name != "bench":
            (folder / path.name).symlink_to(path)
    monkeypatch.setenv("EDGEBOTTLE_CACHE", str(folder))


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Desk]:
    """The bench of the other computer: two boards and a virtual one."""
    folder = tmp_path / "there"
    folder.mkdir()
    with Desk(folder, {"one": each_time(None)(), "two": each_time(None)()}) as desk:
        with (folder / "bench.toml").open("a") as file:
            file.write(DOUBLE)
        yield desk
