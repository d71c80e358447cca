/** Keeps files for as long as the program holds them: for a model that must be checked whole where there is no cache. */
import { type Entry, type Held, type Note, type Part, type Store, type StoredFile, Unstorable } from "./store.ts";

export function memoryStore(): Store {
  return { name: "memory", entry: (_key, name) => memoryEntry(name) };
}

function memoryEntry(name: string): Entry {
  let held: Held | null = null;
  let bytes = new Uint8Array(0); // as long as what it holds, or longer
  let size = 0; // bytes of it in use
  const read = (begin: number, end: number) => Promise.resolve(bytes.slice(begin, end));

  function write(more: Uint8Array): Promise<void> {
    if (size + more.length > bytes.length) {
      let room: Uint8Array<ArrayBuffer>;
      try {
        room = new Uint8Array(Math.max(size + more.length, 2 * bytes.length));
      } catch (error) {
        throw new Unstorable("too little memory", error);
      }
      room.set(bytes.subarray(0, size));
      bytes = room;
    }
    bytes.set(more, size);
    size += more.length;
    return Promise.resolve();
  }

  const restart = () => Promise.resolve(void (size = 0));
  const part: Part = {
    get size() {
      return size;
    },
    write,
    read,
    restart,
    finish: (note: Note): Promise<StoredFile> => {
      const file = { where: name, size, read };
      held = { note, file };
      return Promise.resolve(file);
    },
    close: () => Promise.resolve(),
    discard: restart,
  };
  return {
    held: () => Promise.resolve(held),
    tryLock: () => Promise.resolve(() => {}),
    part: () => Promise.resolve(part),
    partial: () => Promise.resolve(size),
    drop: () => Promise.resolve(void (held = null)),
    note: (note) => Promise.resolve(void (held = { note, file: note.missing === null ? held!.file : null })),
  };
}
