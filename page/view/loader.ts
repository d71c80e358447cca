/** Choosing a model: the dialog, and files dropped on the page. */
import type { From } from "../protocol.ts";

const by = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;

/** @param chosen hears of what was chosen */
export function loader(chosen: (from: From) => void): { open(): void } {
  const dialog = by<HTMLDialogElement>("loader");
  const choose = (from: From) => {
    dialog.close();
    chosen(from);
  };
  by("open").addEventListener("click", () => dialog.showModal());
  by("load-shipped").addEventListener("click", () => choose({ kind: "shipped" }));
  for (const id of ["load-files", "load-folder"]) {
    const input = by<HTMLInputElement>(id);
    input.addEventListener("change", () => {
      const files = [...input.files ?? []];
      input.value = ""; // the same files may be picked again
      if (files.length > 0) choose({ kind: "files", files });
    });
  }
  by("load-url").addEventListener("submit", (event) => {
    event.preventDefault();
    choose({ kind: "url", url: by<HTMLInputElement>("url").value.trim() });
  });

  const veil = by("drop");
  const carriesFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    veil.hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) veil.hidden = true;
  });
  document.addEventListener("drop", async (event) => {
    veil.hidden = true;
    if (!carriesFiles(event)) return;
    event.preventDefault();
    const files = await dropped(event.dataTransfer!);
    if (files.length > 0) choose({ kind: "files", files });
  });
  return { open: () => dialog.showModal() };
}

/** The files that were dropped; of folders, those directly inside. */
async function dropped(transfer: DataTransfer): Promise<File[]> {
  const plain = [...transfer.files];
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  const folders = entries.filter((entry): entry is FileSystemDirectoryEntry => entry?.isDirectory ?? false);
  if (folders.length === 0) return plain;
  const lists = await Promise.all(folders.map(filesOf));
  return lists.flat();
}

async function filesOf(folder: FileSystemDirectoryEntry): Promise<File[]> {
  const reader = folder.createReader();
  const files: File[] = [];
  while (true) { // a reader gives its entries in parts
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0) return files;
    for (const entry of entries) {
      if (entry.isFile) {
        files.push(await new Promise((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject)));
      }
    }
  }
}
