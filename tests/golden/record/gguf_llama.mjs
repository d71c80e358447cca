// What llama.cpp writes behind each prompt, as JSON, for gguf_llama.py: node gguf_llama.mjs NODE_DIR FILE PROMPTS
const [folder, modelPath, prompts] = process.argv.slice(2);
const { getLlama, LlamaLogLevel } = await import(`${folder}/node_modules/node-llama-cpp/dist/index.js`);

const TOKENS = 40;
const llama = await getLlama({ gpu: false, build: "never", maxThreads: 1, logLevel: LlamaLogLevel.error });
const model = await llama.loadModel({ modelPath });
const types = { experimentalKvCacheKeyType: "F32", experimentalKvCacheValueType: "F32" };
const context = await model.createContext({ contextSize: 256, threads: 1, flashAttention: false, ...types });
const sequence = context.getSequence();
const cases = [];
for (const ids of JSON.parse(prompts)) {
  await sequence.clearHistory();
  const said = { greedy: [], chances: [], gaps: [] };
  const options = { temperature: 0, yieldEogToken: true };
  for await (const { token, probabilities } of sequence.evaluateWithMetadata(ids, { probabilities: true }, options)) {
    const [first, second] = [...probabilities.values()].sort((a, b) => b - a).map(Math.log);
    said.greedy.push(token);
    said.chances.push(Number(Math.log(probabilities.get(token)).toFixed(5)));
    said.gaps.push(Number((first - second).toFixed(5)));
    if (said.greedy.length === TOKENS) break;
  }
  cases.push(said);
}
console.log(JSON.stringify(cases));
process.exit(0);
