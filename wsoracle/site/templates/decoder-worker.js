// Python in a worker: Pyodide is started once, then each message is a question, and its answer HTML.
// @ts-check
import { loadPyodide } from "./pyodide/pyodide.mjs";

const here = new URL(".", self.location.href).href;

/** @returns {Promise<(asked: string, octets: Uint8Array | undefined) => string>} */
async function start() {
  const [python, ours] = await Promise.all([
    loadPyodide({ indexURL: here + "pyodide/" }),
    fetch(here + "wsoracle.zip").then(function (found) {
      if (!found.ok) { throw new Error("wsoracle.zip is not beside this page"); }
      return found.arrayBuffer();
    }),
  ]);
  python.FS.writeFile("/wsoracle.zip", new Uint8Array(ours));
  python.runPython("import sys; sys.path.insert(0, '/wsoracle.zip')");
  const entry = python.pyimport("wsoracle.site.decoder.entry");
  return function (asked, octets) {
    return entry.answer(asked, octets === undefined ? undefined : python.toPy(octets));
  };
}

const started = start();
started.then(function () { self.postMessage({ ready: true }); }, function (error) {
  self.postMessage({ failed: String(error.message || error) });
});

self.onmessage = async function (event) {
  const answer = await started.catch(function () { return null; });
  if (!answer) { return; }
  try {
    self.postMessage({ number: event.data.number, html: answer(event.data.asked, event.data.octets) });
  } catch (error) {
    const lines = String(error.message || error).trim().split("\n");
    self.postMessage({ number: event.data.number, failed: lines[lines.length - 1] });
  }
};
