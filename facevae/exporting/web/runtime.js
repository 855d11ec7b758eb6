// Starts LiteRT.js, the runtime that runs the networks.

// LiteRT.js has a build for browsers with relaxed SIMD instructions, and one for all others.
const BUILDS = { true: "litert_wasm_internal", false: "litert_wasm_compat_internal" };

/** Imports the runtime's script. */
export async function importRuntime() {
  try {
    return await import("./litert/index.js");
  } catch (error) {
    throw new Error("The runtime litert/index.js could not be loaded: the network failed, or something here blocks it. Reload.", { cause: error });
  }
}

/** Starts the runtime, whose program is loaded through `downloads`. Returns the name of its build. */
export async function startRuntime(downloads) {
  const { loadLiteRt, supportsFeature } = await importRuntime();
  const build = BUILDS[await supportsFeature("relaxedSimd")];
  let fail;
  const failure = new Promise((_, reject) => { fail = reject; });
  // The runtime's own loader takes a program in this way. It would otherwise load it unseen, and name no reason.
  self.Module = {
    instantiateWasm: (imports, receive) => {
      downloads.fetch(`litert/wasm/${build}.wasm`, "application/wasm")
        .then((response) => WebAssembly.instantiateStreaming(response, imports))
        .then(({ instance, module }) => receive(instance, module))
        .catch(fail);
      return {};
    },
  };
  const script = new URL(`./litert/wasm/${build}.js`, import.meta.url).href;
  await Promise.race([loadLiteRt(script).catch(explain), failure]);
  return build;

  function explain(error) {
    const reason = error instanceof Error ? error.message : "the network failed, or something here blocks it";
    throw new Error(`The runtime could not be started (${reason}). Reload.`, { cause: error });
  }
}
