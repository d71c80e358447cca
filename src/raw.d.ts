// Files imported as text or bytes: `with { type: "text" | "bytes" }`.
declare module "*.wgsl" {
  const text: string;
  export default text;
}
declare module "*.txt" {
  const text: string;
  export default text;
}
declare module "*.wasm" {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}
