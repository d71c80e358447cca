/** Files of a page's cache by the browser's own writer, which fills a copy: it takes longer, and what is not closed is lost. */

/** Puts bytes at a place of a file, which ends there; null closes the file. The bytes may be gone afterwards. */
export type Writer = (path: string, at: number, bytes: Uint8Array<ArrayBuffer> | null) => Promise<void>;

/** Writes without a worker, a piece after the other. */
export function writeInPlace(storage: StorageManager): Writer {
  let open: { readonly path: string; readonly stream: FileSystemWritableFileStream; size: number } | null = null;
  let last = Promise.resolve();

  async function fileAt(path: string): Promise<FileSystemFileHandle> {
    const names = path.split("/");
    const name = names.pop()!;
    let folder = await storage.getDirectory();
    for (const part of names) folder = await folder.getDirectoryHandle(part, { create: true });
    return await folder.getFileHandle(name, { create: true });
  }

  async function close() {
    const { stream } = open!;
    open = null;
    await stream.close();
  }

  async function write(path: string, at: number, bytes: Uint8Array<ArrayBuffer> | null) {
    if (open && (open.path !== path || !bytes)) await close();
    if (!bytes) return;
    if (!open) {
      const file = await fileAt(path);
      open = { path, stream: await file.createWritable({ keepExistingData: true }), size: (await file.getFile()).size };
    }
    if (open.size !== at) await open.stream.truncate(at);
    await open.stream.write({ type: "write", position: at, data: bytes });
    open.size = at + bytes.length;
  }

  return (...put) => last = last.catch(() => {}).then(() => write(...put));
}
