// `fs.globSync` came with Node 22. Programs that import it by name and do not call it on our path run on Node 20 with `--import` of this file.
import { register } from 'node:module';

const shim = `export * from 'node:fs'; export { default } from 'node:fs'; export const globSync = () => [];`;
const source = `data:text/javascript,${encodeURIComponent(shim)}`;
const hooks = `export const resolve = (specifier, context, next) => specifier === 'fs'
  ? { url: ${JSON.stringify(source)}, shortCircuit: true } : next(specifier, context);`;
if (!process.getBuiltinModule?.('fs').globSync) register(`data:text/javascript,${encodeURIComponent(hooks)}`);
