"""Builders of files that a reader must not trust, and of the good files they are made from.

Belongs here: bytes of hostile and of good statistical files, made by our own code. Not here: tests.

The SPSS builders follow the public description of the system file format (GNU PSPP developer's guide, "System File
Format"): a header of 176 bytes, records of type 2 (variable), 3 and 4 (value labels), 7 (extension), 999 (end), data.
"""

import random
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat

CANARY = "CANARY7731"
SAV_END = struct.pack("<ii", 999, 0)
ROWS_AT, COMPRESSION_AT, BIAS_AT = 80, 72, 84

# --- SPSS system files, record by record


def sav_header(elements: int = 1, rows: int = 1, compression: int = 0, bias: float = 100.0, layout: int = 2) -> bytes:
    magic = b"$FL3" if compression == 2 else b"$FL2"
    product = b"@(#) SPSS DATA FILE made by a test".ljust(60)
    sizes = struct.pack("<iiiiid", layout, elements, compression, 0, rows, bias)
    return magic + product + sizes + b"01 Jan 24" + b"12:00:00" + b" " * 64 + b"\0\0\0"


def sav_variable(
    name: bytes | str, width: int = 0, missing: Sequence[float] = (), ranged: bool = False, label: bytes = b""
) -> bytes:
    """Return a variable, with its continuations where it is a long text; `ranged`: `missing` is a low and a high."""
    spelled = name.encode() if isinstance(name, str) else name
    count = -len(missing) if ranged else len(missing)
    made = struct.pack("<iiiiii", 2, width, int(bool(label)), count, 0x050802, 0x050802) + spelled.ljust(8)[:8]
    if label:
        made += struct.pack("<i", len(label)) + label + b"\0" * (-len(label) % 4)
    made += numbers(*missing)
    return made + struct.pack("<iiiiii8s", 2, -1, 0, 0, 0, 0, b" " * 8) * max(0, (width + 7) // 8 - 1)


def sav_labels(labels: Sequence[tuple[float, bytes]], variables: Sequence[int], count: int | None = None) -> bytes:
    """Return value labels of the variables at these positions (from 1); `count` claims another number of labels."""
    made = struct.pack("<ii", 3, len(labels) if count is None else count)
    for value, label in labels:
        made += struct.pack("<d", value) + (bytes([len(label)]) + label).ljust((len(label) + 8) // 8 * 8, b"\0")
    return made + struct.pack(f"<ii{len(variables)}i", 4, len(variables), *variables)


def sav_extension(subtype: int, data: bytes, size: int = 1, count: int | None = None) -> bytes:
    return struct.pack("<iiii", 7, subtype, size, len(data) if count is None else count) + data


def sav_encoding(name: bytes = b"UTF-8") -> bytes:
    return sav_extension(20, name)


def numbers(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}d", *values)


def with_rows(sav: bytes, rows: int) -> bytes:
    """Return the same file claiming another number of rows in its header."""
    return patched(sav, ROWS_AT, "<i", rows)


def patched(data: bytes, at: int, form: str, value: float) -> bytes:
    changed = bytearray(data)
    struct.pack_into(form, changed, at, value)
    return bytes(changed)


def small_sav(*records: bytes, rows: int = 1, data: bytes | None = None) -> bytes:
    """Return an uncompressed file of one number X, with further records before its end."""
    held = numbers(*([1.0] * rows)) if data is None else data
    return sav_header(1, rows) + sav_variable("X") + b"".join(records) + sav_encoding() + SAV_END + held


def segfault_sav(position: int = 2) -> bytes:
    """Return labels for a variable that is not there: the parser in C kills the interpreter, metadata only or not."""
    return small_sav(sav_labels([(1.0, b"Yes")], [position]))


def claiming_sav(rows: int = 2**28, compression: int = 0) -> bytes:
    """Return a few hundred bytes that claim a quarter of a billion rows: believed, they cost gigabytes."""
    return sav_header(1, rows, compression) + sav_variable("X") + sav_encoding() + SAV_END + numbers(1.0)


def wide_sav(variables: int = 60_000) -> bytes:
    """Return more variables than any survey has: reading the dictionary takes time that grows with their square."""
    names = b"".join(sav_variable(f"V{i:06d}") for i in range(variables))
    return sav_header(variables, 1) + names + sav_encoding() + SAV_END + numbers(1.0) * variables


def zsav(rows: int, variables: int = 1, opcode: int = 101, block: int = 0x3FF000, **lies: int) -> bytes:
    """Return a compressed file whose every value is one opcode (101 is the number 1, 255 system-missing).

    Lies: `uncompressed` and `compressed` of every block, the `blocks` said to be there, the `trailer`'s place.
    """
    head = sav_header(variables, rows, 2) + b"".join(sav_variable(f"V{i:05d}") for i in range(variables))
    head += sav_encoding() + SAV_END
    whole, rest = divmod(rows * variables, block)
    packed = {n: zlib.compress(bytes([opcode]) * n, 9) for n in {block, rest} - {0}}
    sizes = [block] * whole + ([rest] if rest else [])
    body = b"".join(packed[n] for n in sizes)
    start, before, after = len(head), len(head), len(head) + 24
    trailer = b""
    for n in sizes:
        stated = (lies.get("uncompressed", n), lies.get("compressed", len(packed[n])))
        trailer += struct.pack("<qqii", before, after, *stated)
        before, after = before + n, after + len(packed[n])
    trailer = struct.pack("<qqii", -100, 0, block, lies.get("blocks", len(sizes))) + trailer
    return head + struct.pack("<qqq", start, lies.get("trailer", after), len(trailer)) + body + trailer


def zsav_bomb(rows: int = 20_000_000, variables: int = 1) -> bytes:
    """Return some kilobytes that inflate to millions of rows."""
    return zsav(rows, variables, opcode=255)


# --- Stata


def hanging_dta(rows: int = 1_300_000_000) -> bytes:
    """Return about a hundred bytes that claim a billion rows of no columns: the parser counts through them all."""
    head = bytes([105, 2, 1, 0]) + struct.pack("<hi", 0, rows)  # release, byte order, file type; columns, rows
    return head + b"\0" * (32 + 18) + b"\0\0" + b"\0" * 39


# --- other files under a survey's name


def html_login_page() -> bytes:
    """Return what a download gives when the session has ended."""
    page = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Your session has expired.</body></html>\n"
    return page.encode() * 40


def idl_sav() -> bytes:
    """Return another program's .sav: IDL's save files begin so."""
    return b"SR\x00\x04" + struct.pack(">iii", 10, 64, 0) + b"\0" * 200


def encrypted_sav() -> bytes:
    """Return what SPSS writes when it is asked for a password."""
    return b"\x1c\0\0\0\0\0\0\0ENCRYPTEDSAV\x15" + b"\0" * 15 + random_bytes(2048, 3)


def random_bytes(size: int = 65536, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


# --- damage to any file


def truncations(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the first 0, 10, ... 90 per cent of a file."""
    for percent in range(0, 100, 10):
        yield percent, data[: len(data) * percent // 100]


def bit_flipped(data: bytes, at: int | None = None) -> bytes:
    """Return a file with one bit changed, two thirds into the file by default; only a checksum can see it."""
    changed = bytearray(data)
    changed[len(data) * 2 // 3 if at is None else at] ^= 0x04
    return bytes(changed)


# --- good files to damage

LABELS: Mapping[str, Mapping[float, str]] = {
    "sex": {1.0: "Male", 2.0: "Female"},
    "vol": {0.0: "No", 1.0: "Yes", -8.0: "Don't know", -9.0: "Refused"},
}


def survey(rows: int = 400) -> pd.DataFrame:
    """Return a small invented survey: codes, user-missing codes, a weight, text."""
    made = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "serial": np.arange(1, rows + 1, dtype=float),
            "sex": made.integers(1, 3, rows).astype(float),
            "vol": made.choice([0.0, 1.0, -8.0, -9.0], rows, p=[0.6, 0.34, 0.03, 0.03]),
            "rimwt": made.lognormal(0.0, 0.5, rows),
            "ward": [f"E{k:08d}" for k in made.integers(5_000_000, 5_009_999, rows)],
            "said": [CANARY[: int(k)] for k in made.integers(0, len(CANARY) + 1, rows)],
        }
    )


def survey_file(path: Path, rows: int = 400, *, compressed: bool = True) -> Path:
    """Write the invented survey in the format of a path's suffix, `.zsav` and an uncompressed `.sav` among them."""
    frame, kind = survey(rows), path.suffix[1:]
    if kind in ("sav", "zsav"):
        how = {"compress": True} if kind == "zsav" else {"row_compress": compressed}
        declared = {"vol": [{"lo": -9, "hi": -1}]}
        pyreadstat.write_sav(frame, path, variable_value_labels=dict(LABELS), missing_ranges=declared, **how)
    elif kind == "dta":
        whole = {name: {int(code): label for code, label in of.items()} for name, of in LABELS.items()}
        pyreadstat.write_dta(frame, path, variable_value_labels=whole)
    elif kind == "por":
        pyreadstat.write_por(frame.rename(columns=str.upper), path)
    elif kind == "xpt":
        pyreadstat.write_xport(frame, path, file_format_version=5)
    else:
        raise ValueError(f"no writer of .{kind}")
    return path
