/** Where a Redis server is. */

/** What ioredis connects by. */
export function redisOptions(url: URL) {
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""), // an address of IPv6 stands in brackets
    port: Number(url.port || 6379),
    ...url.username ? { username: decoded(url.username) } : {},
    ...url.password ? { password: decoded(url.password) } : {},
    ...url.pathname.length > 1 ? { db: Number(url.pathname.slice(1)) } : {},
    ...url.protocol === "rediss:" ? { tls: {} } : {},
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a % that begins nothing
  }
}
