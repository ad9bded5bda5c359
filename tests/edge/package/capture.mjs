// Imported before the package: keeps a hand on the memory of each module that is instantiated, so that the checks can look for leaks
// and for what is left of secrets.

export const memories = [];

const keep = (instance) => {
  if (instance.exports.memory) memories.push(instance.exports.memory);
  return instance;
};
const { Instance, instantiate } = WebAssembly;
WebAssembly.Instance = new Proxy(Instance, { construct: (target, args) => keep(new target(...args)) });
WebAssembly.instantiate = async (...args) => {
  const result = await instantiate(...args);
  keep(result.instance ?? result);
  return result;
};
