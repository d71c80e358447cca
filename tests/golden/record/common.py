"""What the recorders have in common: what an argument must be, and the files that tests read."""
import argparse
import json
from pathlib import Path

import numpy as np

GOLDEN = Path(__file__).resolve().parent.parent  # tests/golden
MODELS = GOLDEN / "models"
ROOT = GOLDEN.parent.parent


def arguments(description):
    """An argument parser whose help is a recorder's docstring."""
    return argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)


def model_folder(path):
    """A Hugging Face folder: config.json, weights and tokenizer.json. For `type=` of an argument."""
    folder = Path(path)
    for name in ("config.json", "tokenizer.json"):
        if not (folder / name).is_file():
            raise argparse.ArgumentTypeError(f"{path} must have a {name}")
    if not list(folder.glob("*.safetensors")):
        raise argparse.ArgumentTypeError(f"{path} must have weights, *.safetensors")
    return folder


def existing_file(path):
    """A file that is there. For `type=` of an argument."""
    if not Path(path).is_file():
        raise argparse.ArgumentTypeError(f"{path} must be a file")
    return Path(path)


def out_folder(path):
    """A folder to write to, made where there is none. For `type=` of an argument."""
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{path} must be a folder: {error.strerror}") from error
    return folder


def read_json(path):
    return json.loads(Path(path).read_text(encoding="utf8"))


def write_json(path, value, indent=None):
    Path(path).write_text(json.dumps(value, indent=indent), encoding="utf8")


class Floats:
    """A file NAME.f32 of little-endian float32 arrays, one behind another."""

    def __init__(self, path):
        self.file = open(path, "wb")
        self.count = 0

    def add(self, array):
        """Appends an array. Returns where it lies: its offset in floats, and its shape."""
        array = np.ascontiguousarray(array, dtype="<f4")
        self.file.write(array.tobytes())
        self.count += array.size
        return {"offset": self.count - array.size, "shape": list(array.shape)}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
