"""PlatformIO development platform whose boards are edgebottle's own ``<id>.toml`` files."""

import tomllib
from pathlib import Path

from platformio.exception import UserSideException
from platformio.platform.base import PlatformBase
from platformio.platform.board import PlatformBoardConfig
from platformio.platform.exception import UnknownBoard

HERE = Path(__file__).resolve().parent
# A generated project carries its board in platform/boards; a checkout has all of them in boards/.
BOARD_DIRS = (HERE / "boards", HERE.parent / "boards", HERE.parent.parent / "boards")


class TomlBoardConfig(PlatformBoardConfig):
    """A PlatformIO board manifest made from a board's TOML file."""

    def __init__(self, path):
        self._id = path.stem
        self.manifest_path = str(path)
        try:
            board = tomllib.loads(path.read_text(encoding="utf-8"))
            regions = board["regions"]
            self._manifest = {
                "name": board["name"],
                "vendor": board["vendor"],
                "url": board.get("url", ""),
                "platform": "edgebottle",
                "build": {"mcu": board["mcu"].lower(), "f_cpu": f"{board['clock_hz']}L"},
                "upload": {
                    "maximum_ram_size": regions["ram"]["size"],
                    "maximum_size": regions["flash"]["size"],
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
                # Boards without memory regions (host) are not built by PlatformIO.
                if path.stem not in self._BOARDS_CACHE and path.stem != "host":
                    if id_ in (None, path.stem):
                        self._BOARDS_CACHE[path.stem] = TomlBoardConfig(path)
        if id_ is None:
            return self._BOARDS_CACHE
        if id_ not in self._BOARDS_CACHE:
            raise UnknownBoard(id_)
        return self._BOARDS_CACHE[id_]
