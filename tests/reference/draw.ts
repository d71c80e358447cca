// The definition of the random score.

/** 30 bits from MurmurHash3's finaliser: the definition of the random score. */
export function draw(seed: number, lane: number, eviction: number, position: number): number {
  const stream = mix(mix(mix(seed) + lane) + eviction);
  return mix(stream + Math.imul(position, 0x9e3779b9)) >>> 2;
}

function mix(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
