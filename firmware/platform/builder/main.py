"""SCons script of the edgebottle platform: port + libraries + application -> firmware.elf.

Environment variables (all optional; ``edgebottle build`` sets them):
    EDGEBOTTLE_TOOLCHAIN   ``zig`` (default) or ``gcc``
    EDGEBOTTLE_ZIG         path of the zig executable; default: the ``ziglang`` package, then PATH
    EDGEBOTTLE_OPTIMIZE    optimisation option; default: ``custom_optimize`` of platformio.ini,
                           else ``-Os``, as the hot loops are in assembly
"""

import os
import subprocess
import sys
from pathlib import Path

from SCons.Script import AlwaysBuild, Default, DefaultEnvironment

env = DefaultEnvironment()
# What this project has compiled. PlatformIO would keep it beside the cache of objects, which all
# projects share: another's entries, or those of a build at the same time, would make stale objects
# pass for new ones.
env.SConsignFile(str(Path(env.subst("$BUILD_DIR")) / ".sconsign"))
platform_dir = Path(env.PioPlatform().get_dir()).resolve()
sys.path.insert(0, str(platform_dir / "builder"))

from eb_boot import seal  # noqa: E402
from eb_linker import linker_script  # noqa: E402
from eb_port import RefusedError, defines, read_port  # noqa: E402
from eb_programmers import RefusedError as RefusedUploadError  # noqa: E402
from eb_programmers import Target, write  # noqa: E402
from eb_pulse import in_energy_mode, pulse_defines  # noqa: E402
from eb_toolchain import find_toolchain, read_cpu  # noqa: E402

board = env.BoardConfig().get("edgebottle")
board_id = env.BoardConfig().id
project_dir = Path(env.subst("$PROJECT_DIR"))
build_dir = Path(env.subst("$BUILD_DIR"))

port_dir = next(
    (path for path in (project_dir / "port", platform_dir.parent / "port") if path.is_dir()), None
)
if port_dir is None:
    sys.stderr.write(f"Error: {project_dir}/port is missing: generate the project again\n")
    env.Exit(1)

# The pulses and the baud rate of MLPerf Tiny's energy mode, where platformio.ini asks for them.
has_pulses = env.GetProjectOption("custom_mode", "performance") == "energy"
if has_pulses:
    board = in_energy_mode(board)

try:
    toolchain = find_toolchain(
        os.environ.get("EDGEBOTTLE_TOOLCHAIN", "zig"), board["cpu"], bool(board["fpu"])
    )
    port = read_port(port_dir / board["port"] / "port.toml")
    port_defines = defines(port, board) if port else []
    if has_pulses:
        port_defines += pulse_defines(port, board)
except LookupError as error:
    sys.stderr.write(f"Error: {error}\n")
    env.Exit(1)
except RefusedError as error:
    sys.stderr.write(f"Error: {env.BoardConfig().manifest_path}: {error}\n")
    env.Exit(1)

is_host = board["cpu"] == "host"
arch = read_cpu(board["cpu"]).get("arch", "")
parts = [arch, port["group"]] if port else [arch]  # folders of port/common
optimize = toolchain.optimize_flags(
    os.environ.get("EDGEBOTTLE_OPTIMIZE") or env.GetProjectOption("custom_optimize", "-Os")
)

env.Replace(
    CC=toolchain.cc,
    CXX=toolchain.cxx,
    LINK=toolchain.cc,
    AR=toolchain.ar,
    RANLIB=toolchain.ranlib,
    ARFLAGS=["rcs"],
    PROGNAME="firmware",
    PROGSUFFIX=".elf",
    LIBPREFIX="lib",
    LIBSUFFIX=".a",
)
env.Append(
    CCFLAGS=[
        *toolchain.arch_flags,
        *optimize,
        "-ffunction-sections",
        "-fdata-sections",
        "-fno-common",
        "-fno-unwind-tables",
        "-fno-asynchronous-unwind-tables",
        "-fno-math-errno",
        "-ffp-contract=off",  # a fused multiply-add rounds differently from the reference
        "-Wall",
        "-Wextra",
        *toolchain.cc_flags,
    ],
    CFLAGS=["-std=c99"],
    CPPDEFINES=[
        # A bare identifier, no string: quoting differs between shells; the C side stringizes it.
        ("EB_BOARD", board_id),
        ("EB_CLOCK_HZ", f"{board['clock_hz']}u"),
    ],
    CPPPATH=[str(port_dir / "include")],
    LIBS=list(toolchain.libs),
)
if is_host:
    env.Append(CPPDEFINES=["EB_FORCE_PORTABLE"])  # whatever this computer could do
else:
    env.Append(
        CPPDEFINES=[
            ("EB_CYCLE_DIVIDER", f"{board.get('cycle_divider', 1)}u"),
            ("EB_UART_BASE", f"0x{board['uart']['base']:08x}u"),
            ("EB_UART_BAUD", f"{board['uart'].get('baud', 115200)}u"),
            *port_defines,
        ],
        CPPPATH=[str(port_dir / "common")],
        LINKFLAGS=[
            *toolchain.arch_flags,
            "-O2",  # of compiler-rt; with -Os zig would leave out the symbols
            "-Wl,--gc-sections",
            "-Wl,--entry=eb_reset",
            *toolchain.link_flags,
        ],
    )
    script = build_dir / "board.ld"
    text = linker_script(board_id, board)
    if not script.exists() or script.read_text(encoding="utf-8") != text:
        script.write_text(text, encoding="utf-8")
    env.Replace(LDSCRIPT_PATH=str(script))
    # The linker script is an input of the program like any source.
    env.Depends(str(Path("$BUILD_DIR") / "${PROGNAME}${PROGSUFFIX}"), str(script))
if board["cycle_counter"] == "dwt":
    env.Append(CPPDEFINES=["EB_CYCLES_DWT"])
if toolchain.needs_libc_headers:
    env.Append(CPPPATH=[str(port_dir / "common" / "libc")])

def build_small(env, node):
    """Compiles what is not the network for size: only the network is worth the flash of -O2."""
    path = comparable(node.srcnode().get_abspath())
    if not path.startswith((port_path, source_path)):
        return node
    flags = [flag for flag in env["CCFLAGS"] if flag not in optimize]
    return env.Object(node, CCFLAGS=[*flags, *toolchain.optimize_flags("-Oz")])


def comparable(path):
    """A path as it can be compared: without links, and on Windows in one case."""
    return os.path.normcase(os.path.realpath(path))


port_path = os.path.join(comparable(port_dir), "")
source_path = os.path.join(comparable(env.subst("$PROJECT_SRC_DIR")), "")
env.AddBuildMiddleware(build_small)

sources = []
if not is_host:
    sources += env.CollectBuildFiles(
        "$BUILD_DIR/port/common",
        str(port_dir / "common"),
        ["+<*.c>", *(f"+<{part}/*.c>" for part in parts)],
    )
sources += env.CollectBuildFiles(
    "$BUILD_DIR/port/board", str(port_dir / board["port"]), ["+<*.c>"]
)
env.Append(PIOBUILDFILES=sources)



def leave_out_runtime(target, source, env):
    """Links without the compiler's runtime first, which few programs need and zig has to make.

    Where something is missing, the program is linked with it. What does not fit in memory fits with
    even more of it no better.
    """
    env.Replace(EB_RUNTIME=list(toolchain.without_runtime))
    command = env.subst("$LINKCOM", target=target, source=source)
    tried = subprocess.run(command, shell=True, capture_output=True, env=env["ENV"], check=False)
    if tried.returncode != 0 and b"overflowed" not in tried.stderr:
        env.Replace(EB_RUNTIME=[])


program = env.BuildProgram()
if toolchain.without_runtime:
    env.Append(LINKFLAGS=["$(", "$EB_RUNTIME", "$)"])  # no reason to link again
    env.AddPreAction(program, leave_out_runtime)
if port and "boot" in port:
    place = (board["regions"]["flash"]["start"], port["boot"]["size"])
    env.AddPostAction(program, lambda target, source, env: seal(str(target[0]), *place))
AlwaysBuild(env.Alias("buildprog", program, program))

def upload(target, source, env):
    """`pio run -t upload`: a programmer of programmers.toml, or `upload_command` of platformio.ini.

    `upload_protocol` of platformio.ini names the only programmer that may be used, `custom_probe`
    the serial number of the probe.
    """
    command = env.GetProjectOption("upload_command", "")
    if command:
        return env.Execute(env.subst(command, source=source))
    usb = board.get("usb", {})
    ids = (usb.get("bootloader", ""), tuple(usb.get("programs", ())))
    chip = Target(board_id, board["mcu"], board["upload"], flash_start, *ids)
    wanted = env.GetProjectOption("upload_protocol", None)
    try:
        write(chip, Path(str(source[0])), wanted, env.GetProjectOption("custom_probe", None))
    except RefusedUploadError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    return 0


flash_start = 0 if is_host else board["regions"]["flash"]["start"]
AlwaysBuild(env.Alias("upload", program, upload))
Default(program)
