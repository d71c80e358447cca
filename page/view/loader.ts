/** Choosing a model: the dialog, and files dropped on the page. */
import { ARCHITECTURES } from "../../src/engine/config.ts";
import type { From } from "../protocol.ts";

const by = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;

/** @param chosen hears of what was chosen */
export function loader(chosen: (from: From) => void): { open(): void } {
  const dialog = by<HTMLDialogElement>("loader");
  by("families").textContent = ARCHITECTURES.join(", ");
  const choose = (from: From) => {
    dialog.close();
    chosen(from);
  };
  by("open").addEventListener("click", () => dialog.showModal());
  by("load-shipped").addEventListener("click", () => choose({ kind: "shipped" }));
  by("load-chat").addEventListener("click", () => choose({ kind: "url", url: "smollm2-135m" }));
  for (const id of ["load-files", "load-folder"]) {
    const input = by<HTMLInputElement>(id);
    input.addEventListener("change", () => {
      const files = [...input.files ?? []];
      input.value = ""; // the same files may be picked again
      if (files.length > 0) choose({ kind: "files", files, name: nameOf(files) });
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
    const { files, name } = await dropped(event.dataTransfer!);
    if (files.length > 0) choose({ kind: "files", files, name });
  });
  return { open: () => dialog.showModal() };
}

/** What picked files are called: their folder, or the file with the weights. */
function nameOf(files: File[]): string {
  const folder = files[0].webkitRelativePath.split("/")[0];
  return folder || (files.find(({ name }) => /\.(gguf|safetensors)$/i.test(name)) ?? files[0]).name;
}

/** The files that were dropped; of a folder, those directly inside. */
async function dropped(transfer: DataTransfer): Promise<{ files: File[]; name: string }> {
  const plain = [...transfer.files];
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  const folder = entries.find((entry): entry is FileSystemDirectoryEntry => entry?.isDirectory ?? false);
  if (folder) return { files: await filesOf(folder), name: folder.name };
  return { files: plain, name: plain.length > 0 ? nameOf(plain) : "" };
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
