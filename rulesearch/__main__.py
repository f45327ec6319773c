"""`python -m rulesearch` is the command line."""

from rulesearch.cli import program

if __name__ == "__main__":
    program()
