"""PlatformIO development platform whose boards are edgebottle's own ``<id>.toml`` files."""

import importlib.util
import tempfile
import tomllib
from pathlib import Path

from platformio.dependencies import get_core_dependencies
from platformio.exception import PlatformioException, UserSideException
from platformio.package.manager.core import get_core_package_dir
from platformio.platform.base import PlatformBase
from platformio.platform.board import PlatformBoardConfig
from platformio.platform.exception import UnknownBoard
from platformio.project.config import ProjectConfig

HERE = Path(__file__).resolve().parent
# A generated project carries its board in platform/boards; a checkout has all of them in boards/.
BOARD_DIRS = (HERE / "boards", HERE.parent / "boards", HERE.parent.parent / "boards")


def _sizes(board):
    """What PlatformIO says the memories are; of this computer (board ``host``) it says nothing."""
    regions = {} if board["cpu"] == "host" else board["regions"]
    return {
        "maximum_ram_size": regions["ram"]["size"] if regions else 0,
        "maximum_size": regions["flash"]["size"] if regions else 0,
    }


class TomlBoardConfig(PlatformBoardConfig):
    """A PlatformIO board manifest made from a board's TOML file."""

    def __init__(self, path):
        self._id = path.stem
        self.manifest_path = str(path)
        try:
            board = tomllib.loads(path.read_text(encoding="utf-8"))
            self._manifest = {
                "name": board["name"],
                "vendor": board["vendor"],
                "url": board.get("url", ""),
                "platform": "edgebottle",
                "build": {"mcu": board["mcu"].lower(), "f_cpu": f"{board['clock_hz']}L"},
                "upload": {
                    **_sizes(board),
                    "protocol": board["upload"],
                },
                "edgebottle": board,
            }
        except (KeyError, TypeError, tomllib.TOMLDecodeError) as error:
            raise UserSideException(f"{path}: not a usable board file: {error!r}") from error


class EdgebottlePlatform(PlatformBase):
    """Serves the boards of ``BOARD_DIRS``; everything else is PlatformIO's default."""

    def is_embedded(self):
        return True

    def get_boards(self, id_=None):
        for directory in BOARD_DIRS:
            for path in sorted(directory.glob("*.toml")):
                if path.stem not in self._BOARDS_CACHE and id_ in (None, path.stem):
                    self._BOARDS_CACHE[path.stem] = TomlBoardConfig(path)
        if id_ is None:
            return self._BOARDS_CACHE
        if id_ not in self._BOARDS_CACHE:
            raise UnknownBoard(id_)
        return self._BOARDS_CACHE[id_]

    def configure_default_packages(self, options, targets):
        place_scons()  # before PlatformIO asks its registry for it
        super().configure_default_packages(options, targets)


def place_scons():
    """Makes PlatformIO's package of SCons from the one beside PlatformIO, so that none is loaded.

    Raises ``UserSideException`` where there is none and PlatformIO cannot load its own.
    """
    if get_core_package_dir("tool-scons", auto_install=False):
        return
    spec = importlib.util.spec_from_file_location("eb_scons", HERE / "builder" / "eb_scons.py")
    eb_scons = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(eb_scons)
    version = get_core_dependencies()["tool-scons"].lstrip("~^=")
    release = eb_scons.scons_version(version)
    try:
        if eb_scons.installed_scons() == release:
            packages = Path(ProjectConfig.get_instance().get("platformio", "packages_dir"))
            packages.mkdir(parents=True, exist_ok=True)
            fresh = Path(tempfile.mkdtemp(dir=packages.parent))
            eb_scons.fill_package(fresh, version)
            fresh.chmod(0o755)
            fresh.rename(packages / "tool-scons")
            return
        get_core_package_dir("tool-scons")
    except (PlatformioException, OSError) as error:
        raise UserSideException(
            f"PlatformIO has no SCons: install the one that pip has beside PlatformIO "
            f"(pip install scons=={release}), or go online once ({error})"
        ) from error
