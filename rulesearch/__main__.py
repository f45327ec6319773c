"""`python -m rulesearch` is the command line."""

import sys

from rulesearch.cli import main

if __name__ == "__main__":
    sys.exit(main())
