"""``python -m edgebottle``: the command line where scripts are not on the path."""

from edgebottle.cli.main import main

if __name__ == "__main__":
    main()
