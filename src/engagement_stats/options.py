"""What the commands can be told: their options.

Belongs here: options, their words, and reading single values of them.
Not here: what a command does with them (cli, commands_*), and the options of `releases` (commands_releases).
"""

import argparse
from pathlib import Path
from typing import Any

from engagement_stats.show import FORMATS

ENCODINGS = ("utf-8", "cp1252", "latin-1", "utf-16")
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}


def shared(*, data: bool = False, warehouse: bool = False, formats: bool = False) -> argparse.ArgumentParser:
    """Return the options that several commands have, as the parent of their parsers."""
    parent = argparse.ArgumentParser(add_help=False)
    if data:
        parent.add_argument("--data", type=Path, metavar="DIR", help="folder of deposited files (default data/landing)")
        parent.add_argument(
            "--catalogue", type=Path, metavar="DIR", help="catalogue folder (default: the package's own)"
        )
    if warehouse:
        parent.add_argument(
            "--warehouse",
            type=Path,
            metavar="FILE",
            help="released file (default warehouse/engagement_stats.duckdb)",
        )
    if formats:
        parent.add_argument("--format", choices=FORMATS, default="table", help="how to print (default table)")
    return parent


def several(parser: argparse.ArgumentParser, name: str, metavar: str, text: str, **more: Any) -> None:
    """Add an option that takes several values, and may be given several times."""
    parser.add_argument(name, nargs="+", action="extend", default=[], metavar=metavar, help=text, **more)


def of_run(parser: argparse.ArgumentParser) -> None:
    """Add the options of `run`."""
    several(parser, "--wave", "W", "build only these waves")
    parser.add_argument("--accept", metavar="REASON", help="publish though published numbers change, and say why")
    parser.add_argument("--kind", metavar="K", help="with --accept: revision, correction or method")
    parser.add_argument(
        "--small-groups", choices=("hide", "show"), default="hide",
        help="with --accept: estimates that beside their earlier selves would tell of a few people (default hide)",
    )  # fmt: skip
    parser.add_argument("--again", metavar="REASON", help="publish a release that was gone back from, and say why")


def of_places(parser: argparse.ArgumentParser) -> None:
    """Add the options of `places`."""
    parser.add_argument("domain", nargs="?", metavar="DOMAIN", help="count the areas and people of each of its levels")
    parser.add_argument("--by", metavar="DOMAIN", help="divide each level by another such domain")


def of_inspect(parser: argparse.ArgumentParser) -> None:
    """Add the options of `inspect`."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a survey file, or a zip with one in it")
    parser.add_argument("--like", metavar="WAVE", help="the known wave to go by (default: the nearest)")
    parser.add_argument("--propose", metavar="OUT", help="write a proposed wave entry here, a new file; - prints it")
    several(parser, "--columns", "NAME", 'only these columns, with all their codes; "Q5*" names several')
    _of_reading(parser)


def of_estimate(parser: argparse.ArgumentParser) -> None:
    """Add the options of `estimate`."""
    parser.add_argument("file", type=Path, metavar="FILE", help="any format of docs/reading_files.md")
    parser.add_argument("--variable", nargs="+", action="extend", required=True, metavar="V", help="what to estimate")
    several(parser, "--counts", "CODE", "codes (or labels) that count, for a proportion")
    parser.add_argument("--statistic", choices=("proportion", "mean", "total"), default="proportion")
    several(parser, "--by", "D", "a family of domains each; a*b crosses two")
    parser.add_argument("--where", metavar="EXPR", help='only respondents for whom this holds, as in "age >= 65"')
    parser.add_argument("--weight", metavar="W", help="weight column")
    parser.add_argument("--stratum", metavar="S", help="stratum column")
    several(parser, "--psu", "P", "primary sampling unit, then later stages")
    several(parser, "--fpc", "F", "population size or sampled fraction, a column a stage")
    parser.add_argument("--replicates", metavar="PATTERN", help='replicate weight columns, such as "repw*"')
    parser.add_argument("--replicate-method", metavar="M", choices=("brr", "fay", "jk1", "jkn", "bootstrap"))
    parser.add_argument(
        "--interval", choices=("korn_graubard", "logit", "wilson", "wald"), default="korn_graubard",
        help="of a proportion (default korn_graubard)",
    )  # fmt: skip
    parser.add_argument("--confidence", type=_share, default=0.95, metavar="C")
    parser.add_argument(
        "--single-psu", choices=("fail", "certainty", "adjust", "average", "collapse"), default="fail",
        help="what a stratum with one sampling unit contributes (default fail)",
    )  # fmt: skip
    several(parser, "--missing", "CODE", "codes that mean no answer, beside those the file declares")
    _of_reading(parser)


def of_weight(parser: argparse.ArgumentParser) -> None:
    """Add the options of `weight`."""
    parser.add_argument("file", type=Path, metavar="FILE", help="any format of docs/reading_files.md")
    parser.add_argument(
        "--margins",
        type=Path,
        required=True,
        metavar="CSV",
        help="columns variable, category, population; a*b crosses two",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the file again, with its weight")
    parser.add_argument("--method", choices=("rake", "linear", "logit", "poststratify"), default="rake")
    parser.add_argument("--base", metavar="W", help="base weight column (default: equal weights)")
    parser.add_argument(
        "--bounds", nargs=2, type=float, metavar=("L", "U"), help="of the factors, for logit and linear"
    )
    parser.add_argument(
        "--trim", type=float, metavar="K", help="cut weights above K medians and meet the margins again"
    )
    parser.add_argument("--name", default="weight", help="of the new column (default weight)")
    parser.add_argument("--rescale", action="store_true", help="scale margins whose totals differ by rounding")
    several(parser, "--missing", "CODE", "codes that mean no answer, beside those the file declares")
    _of_reading(parser)


def _of_reading(parser: argparse.ArgumentParser) -> None:
    """Add what nobody but the user can say of a file that has no entry in the catalogue."""
    parser.add_argument("--encoding", choices=ENCODINGS, help="of a text file, or one that declares none")
    parser.add_argument("--delimiter", choices=tuple(DELIMITERS), help="of a .csv file (default: comma)")
    parser.add_argument("--sheet", metavar="NAME", help="of a workbook (default: its only one)")
    parser.add_argument("--header-row", type=_row, metavar="N", help="of a workbook: the row of names (default 1)")


def reading(args: argparse.Namespace) -> dict[str, Any]:
    """Return what was said of how the file is to be read."""
    delimiter = None if args.delimiter is None else DELIMITERS[args.delimiter]
    said = {
        "encoding": args.encoding, "delimiter": delimiter, "sheet": args.sheet, "header_row": args.header_row,
    }  # fmt: skip
    return {key: value for key, value in said.items() if value is not None}


def _row(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a row. Expected a whole number from 1.")
    return int(text)


def _share(text: str) -> float:
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError("a confidence lies between 0 and 1, such as 0.95")
    return value
