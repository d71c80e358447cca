"""Says whether what was recorded is what tests/golden holds: byte for byte, or else by how much it differs.

    python tests/golden/record/compare.py OUT_DIR [GOLDEN_DIR]

OUT_DIR is laid out as GOLDEN_DIR is (default tests/golden): hf/NAME.json and so on. Ends with exit code 1 where anything differs.
"""
import argparse
import sys
from pathlib import Path

import numpy as np

from common import GOLDEN, arguments, read_json


def folder(path):
    if not Path(path).is_dir():
        raise argparse.ArgumentTypeError(f"{path} must be a folder")
    return Path(path)


def differences(ours, theirs, at=""):
    """Where two JSON values differ: paths into them."""
    if isinstance(ours, dict) and isinstance(theirs, dict) and ours.keys() == theirs.keys():
        return [path for key in ours for path in differences(ours[key], theirs[key], f"{at}.{key}")]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [path for i in range(len(ours)) for path in differences(ours[i], theirs[i], f"{at}[{i}]")]
    return [] if ours == theirs else [at or "."]


def verdict(ours, theirs):
    if not theirs.is_file():
        return "is not there"
    if ours.read_bytes() == theirs.read_bytes():
        return None
    if ours.suffix == ".json":
        paths = differences(read_json(ours), read_json(theirs))
        return f"differs at {len(paths)} places: {' '.join(paths[:3])}" if paths else "differs in its spaces only"
    if ours.suffix == ".f32":
        a, b = np.fromfile(ours, "<f4"), np.fromfile(theirs, "<f4")
        if a.shape == b.shape:
            return f"differs by {np.abs(a - b).max():.3g}, its largest value is {np.abs(b).max():.3g}"
    return f"differs: {ours.stat().st_size} bytes for {theirs.stat().st_size}"


def main():
    parser = arguments(__doc__)
    parser.add_argument("out", type=folder, metavar="OUT_DIR")
    parser.add_argument("golden", type=folder, nargs="?", default=GOLDEN, metavar="GOLDEN_DIR")
    args = parser.parse_args()
    files = sorted(path.relative_to(args.out) for path in args.out.rglob("*") if path.is_file())
    found = [(path, verdict(args.out / path, args.golden / path)) for path in files]
    for path, how in found:
        if how:
            print(path, how)
    same = sum(how is None for _, how in found)
    print(f"{same} of {len(found)} files are the same, byte for byte")
    sys.exit(0 if same == len(found) > 0 else 1)


main()
