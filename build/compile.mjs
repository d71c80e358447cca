// Compiles targets of asconfig.json, given as TARGET ENTRY …, in one process, whose compiler is warm from the second on.
import asc from "assemblyscript/asc";
import process from "node:process";

const told = process.argv.slice(2);
for (let i = 0; i < told.length; i += 2) {
  const [target, entry] = told.slice(i, i + 2);
  const { error, stderr } = await asc.main([entry, "--config", "asconfig.json", "--target", target]);
  if (!error) continue;
  console.error(stderr.toString() || error.message);
  process.exit(1);
}
