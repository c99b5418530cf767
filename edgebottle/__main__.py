"""The command, and ``python -m edgebottle`` where scripts are not on the path."""

import sys


def main() -> None:
    """Runs the command line; says the same of Ctrl-C while that is still being loaded."""
    try:
        from edgebottle.cli.main import main as run
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
