/** A model's files, by plain name ("config.json"). Every method throws one sentence when a file cannot be had. */
export interface Source {
  /** The folder or URL, as messages show it. */
  readonly name: string;
  /** The whole of a UTF-8 file, which has at most 64 MB. */
  text(file: string): Promise<string>;
  /** Whether the file exists. A missing folder is an error, not an answer. */
  has(file: string): Promise<boolean>;
  /** The names of what lies in a folder itself; only where it can be listed. */
  list?(): Promise<string[]>;
  /** Length in bytes. */
  size(file: string): Promise<number>;
  /** Bytes [begin, end) in a buffer of their own; the rest of the file is not held in memory, if it can be helped. */
  read(file: string, begin: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Brings a file of the cache once more, which is not what it must be; false where that was done, or changes nothing. */
  renew?(file: string): Promise<boolean>;
}
