/** An HTTP server for an app, on Node, Deno and Bun alike, that ends without breaking off what it is about. */
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { Hono } from "hono";
import { quote, refuse } from "../errors.ts";

/** Where, and how much. */
export interface Listening {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Connections at once. */
  readonly connections: number;
}

const PATIENCE = 30_000; // ms that a request's head and body may take
const IDLE = 5_000; // ms that a connection is kept without a request

/** A server that listens. */
export interface Listener {
  readonly port: number;
  /** Takes no further connections, and ends when all requests are answered, or so many ms have gone by. */
  end(patience: number): Promise<void>;
}

/** @throws KvcapError where the port is taken */
export async function listen(app: Hono, { host, port, connections }: Listening): Promise<Listener> {
  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as Server;
  server.maxConnections = connections;
  server.headersTimeout = server.requestTimeout = PATIENCE;
  server.keepAliveTimeout = IDLE;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      try {
        refuse("serve", `${host}:${port} must be free`, quote(error), { kind: "plain", code: "unreachable" });
      } catch (refused) {
        reject(refused);
      }
    });
    server.listen(port, host, resolve);
  });
  const taken = (server.address() as AddressInfo).port;
  return {
    port: taken,
    end: (patience) =>
      new Promise<void>((resolve) => {
        const timer = setTimeout(() => server.closeAllConnections(), patience);
        const idle = setInterval(() => server.closeIdleConnections(), 100);
        server.close(() => {
          clearTimeout(timer);
          clearInterval(idle);
          resolve();
        });
      }),
  };
}
