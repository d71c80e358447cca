/** What reaching a model outside takes: where the hub is, its token, the cache, and who hears of it all. */
import { cacheFolder, folderStore } from "./cache/folder.ts";
import { pageStore } from "./cache/opfs.ts";
import type { Store, StoredFile, Unkept } from "./cache/store.ts";
import { onConsole } from "../errors.ts";
import { env, host } from "../host/here.ts";
import { runtime } from "../host/runtime.ts";
import { type Net, PATIENCE } from "./http.ts";
import { hubEndpoint, hubToken } from "./hub.ts";

export type { Unkept };

/** Hears how many bytes of a file are there; `total` is null where the server does not say. */
export type OnDownload = (file: string, done: number, total: number | null) => void;

/** Hears, in a line, that files are read but not kept, and why; or what is odd about the model itself. */
export type OnWarning = (line: string, why: Unkept | "model") => void;

export interface Access {
  readonly net: Net;
  /** Base URL of the hub, without a slash at its end. */
  readonly hub: string;
  readonly store: Store | null;
  readonly onDownload: OnDownload;
  /** Hears of every file that was taken from the cache or put there. */
  readonly onFile: (name: string, file: StoredFile) => void;
  /** Says that files go on to be read, but are not kept. */
  readonly warn: OnWarning;
  /**
   * For `pull`, where all must be kept, and what is there be what once came: hears the name of a file that is not, before it is
   * brought once more. Null where what is there is used as it is.
   */
  readonly onDamage: ((file: string) => void) | null;
}

export interface AccessOptions {
  cache?: boolean | undefined;
  hub?: string | URL | undefined;
  token?: string | undefined;
  onDownload?: OnDownload | undefined;
  onWarning?: OnWarning | undefined;
  signal?: AbortSignal | null | undefined;
}

/** Reads the environment for what the options leave open. @throws RangeError for an endpoint or a token that cannot be one */
export function openAccess(options: AccessOptions): Access {
  const hub = hubEndpoint(options.hub ?? env("HF_ENDPOINT"));
  const token = hubToken(options.token ?? env("HF_TOKEN"));
  const told = new Set<Parameters<OnWarning>[1]>();
  const onWarning = options.onWarning ?? onConsole;
  const warn: OnWarning = (line, why) => {
    if (!told.has(why)) onWarning(line, why); // not of every file
    told.add(why);
  };
  return {
    net: {
      patience: { ...PATIENCE, signal: options.signal ?? null },
      token: token === null ? null : { origin: new URL(hub).origin, value: token },
      answered: new Map(),
    },
    hub,
    store: options.cache === false ? null : openStore(warn),
    onDownload: options.onDownload ?? (() => {}),
    onFile: () => {},
    warn,
    onDamage: null,
  };
}

function openStore(warn: OnWarning): Store | null {
  const folder = host ? cacheFolder(host.build.os) : null;
  if (host && folder) return folderStore(host, folder);
  const store = host ? null : pageStore();
  const why = host
    ? `no folder for it is known (set KVCAP_CACHE${
      runtime === "deno" ? ", and let the program read the environment" : ""
    })`
    : "the page has no storage (it must be served over https or from this machine)";
  if (!store) warn(`models are read without a cache: ${why}`, "broken");
  return store;
}
