// Loaded before uvu: it must not run its queue by itself, and in a page it keeps the console.log of the moment it is loaded,
// for the marks that nobody needs. tests/support/harness.ts gives tests a console.log again.
Object.assign(globalThis, { UVU_DEFER: 1, UVU_QUEUE: [] });
console.log = () => {};
