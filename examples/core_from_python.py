# core.wasm from Python, with the wasmtime package: the same calls as examples/core-from-wasm.ts, and the same answers.
# pip install wasmtime && python examples/core_from_python.py
import struct
from pathlib import Path

from wasmtime import Engine, Instance, Limits, Memory, MemoryType, Module, Store

ROWS, CLAIMED, VICTIMS = 1, 10, 11  # regions of the arena
SHAPE = (1, 2, 9, 0)  # layers, KV heads, slots per lane, window
LANES, CAPACITY = SHAPE[0] * SHAPE[1], SHAPE[2]

store = Store(Engine())
module = Module(store.engine, (Path(__file__).parent / "../build/out/core.wasm").read_bytes())


def instantiate(pages):
    memory = Memory(store, MemoryType(Limits(pages, pages)))
    exports = Instance(store, module, [memory]).exports(store)
    return memory, lambda name, *numbers: exports[name](store, *numbers)


_, probe = instantiate(1)
memory, call = instantiate(-(-(probe("bytes", *SHAPE) & 0xFFFFFFFF) // 65536))


def check(name, *numbers):
    code = call(name, *numbers)
    if code != 0:
        raise RuntimeError(f"{name} answers with error {code}")


def read(region):
    address = call("address", region)
    return struct.unpack(f"<{LANES}I", memory.read(store, address, address + 4 * LANES))


check("init", *SHAPE)
check("rule", 1, 0, 1, 2, 0, 0, 0, 1, 0)  # H2O
evicted = [[] for _ in range(LANES)]
for token in range(16):
    check("claim", 1, 1)
    row = [((slot * 7 + lane * 3) % 11) / 60 for lane in range(LANES) for slot in range(CAPACITY)]
    for lane, slot in enumerate(read(CLAIMED)):
        row[lane * CAPACITY + slot] = 0.3
    memory.write(store, struct.pack(f"<{len(row)}f", *row), call("address", ROWS))
    if token < CAPACITY - 1:
        check("observe", 1)
    else:
        check("step", 1, 1)
        for lane, slot in enumerate(read(VICTIMS)):
            evicted[lane].append(slot)
for lane, slots in enumerate(evicted):
    print(f"lane {lane} evicts", *slots)
