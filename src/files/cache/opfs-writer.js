// Runs in a worker of the page: only there a file is written in place. src/files/cache/opfs.ts sends it
// { path, at, bytes }: bytes to be put at a place of a file, which ends there; without bytes, the file is closed.
let open = null; // of the file at `openPath`
let openPath = "";

async function fileAt(path) {
  const names = path.split("/");
  const name = names.pop();
  let folder = await navigator.storage.getDirectory();
  for (const part of names) folder = await folder.getDirectoryHandle(part, { create: true });
  return await folder.getFileHandle(name, { create: true });
}

function close() {
  const last = open;
  open = null;
  last?.flush();
  last?.close();
}

async function write({ path, at, bytes }) {
  if (open && (openPath !== path || !bytes)) close();
  if (!bytes) return;
  if (!open) {
    open = await (await fileAt(path)).createSyncAccessHandle();
    openPath = path;
  }
  if (open.getSize() !== at) open.truncate(at);
  for (let done = 0; done < bytes.length;) {
    const written = open.write(bytes.subarray(done), { at: at + done });
    if (written === 0) throw new DOMException("nothing was written", "QuotaExceededError");
    done += written;
  }
}

let last = Promise.resolve();
globalThis.onmessage = ({ data }) => {
  last = last.then(() => write(data)).then(
    () => postMessage({ id: data.id, failure: null }),
    (error) => postMessage({ id: data.id, failure: { name: error.name, said: String(error) } }),
  );
};
postMessage("ready");
