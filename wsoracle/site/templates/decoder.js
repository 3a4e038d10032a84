// The decoder: the form, files that are opened or dropped, and the worker in which Python runs. The address keeps a
// short text, so that a link shares it.
// @ts-check
(function () {
  "use strict";
  /** Characters that the address keeps, and octets that a file may have. */
  var KEPT = 4000, MOST = 64 << 20;
  var FIELDS = ["text", "after", "sent", "to", "limit", "extensions", "application", "profile"];

  /** @param {string} id @returns {any} */
  function by(id) { return document.getElementById(id); }

  /** @type {Worker | null} */
  var worker = null;
  var number = 0, begun = 0, ready = false, fromFile = false;
  /** @type {{name: string, octets: Uint8Array} | null} */
  var file = null;

  /** @param {string} words */
  function say(words) { by("progress").textContent = words; }

  /** @returns {Record<string, any>} */
  function asked() {
    /** @type {Record<string, any>} */
    var found = { role: document.querySelector("[name=role]:checked").value, exact: by("exact").checked, switches: {} };
    FIELDS.forEach(function (name) { found[name] = by(name).value; });
    document.querySelectorAll("[data-switch]").forEach(function (/** @type {any} */ one) {
      var usual = Array.from(one.options).find(function (option) { return option.defaultSelected; });
      if (one.value !== usual.value) { found.switches[one.dataset.switch] = one.value; }
    });
    return found;
  }

  function keep() {
    var found = asked(), kept = new URLSearchParams();
    FIELDS.concat(["role"]).forEach(function (name) {
      if (found[name] && !(name === "profile" && found[name] === "interop")) { kept.set(name, found[name]); }
    });
    var words = kept.toString();
    if (!file && words.length <= KEPT) { history.replaceState(null, "", "#" + words); }
  }

  /** @returns {boolean} whether the address has something to decode */
  function recall() {
    var kept = new URLSearchParams(location.hash.slice(1));
    FIELDS.forEach(function (name) { if (kept.has(name)) { by(name).value = kept.get(name); } });
    var role = document.querySelector("[name=role][value=" + (kept.get("role") === "client" ? "client" : "server") + "]");
    if (kept.has("role")) { /** @type {HTMLInputElement} */ (role).checked = true; }
    return kept.has("text");
  }

  /** @param {boolean} on */
  function busy(on) {
    by("stop").disabled = !on;
    by("result").setAttribute("aria-busy", String(on));
  }

  function stop() {
    if (worker) { worker.terminate(); }
    worker = null; ready = false;
    busy(false);
  }

  /** @param {string} why */
  function failed(why) { stop(); say("The decoder failed: " + why); }

  function start() {
    ready = false;
    worker = new Worker("decoder-worker.js", { type: "module" });
    worker.onerror = function (event) { event.preventDefault(); failed(event.message || "its files are not beside this page"); };
    worker.onmessage = function (event) {
      var said = event.data;
      if (said.ready) { ready = true; say("Python is ready."); return; }
      if (said.number === undefined) { failed(said.failed); return; }
      if (said.number !== number) { return; }
      busy(false);
      if (said.failed) { say("The decoder failed: " + said.failed); return; }
      by("result").innerHTML = said.html;
      say("Decoded " + (file ? file.name : "the text") + " in " + ((performance.now() - begun) / 1000).toFixed(2) + " s.");
      by("result-title").scrollIntoView({ block: "nearest" });
    };
  }

  function decode() {
    if (fromFile) { by("from-file").scrollIntoView({ block: "nearest" }); return; }
    if (!worker) { start(); }
    keep();
    number += 1;
    begun = performance.now();
    busy(true);
    say(ready ? "Decoding ..." : "Loading Python into the page, the first time only ...");
    if (worker) {
      worker.postMessage({ number: number, asked: JSON.stringify(asked()), octets: file ? file.octets : undefined });
    }
  }

  /** @param {File} one */
  function take(one) {
    if (one.size > MOST) { say(one.name + " has more than 64 MiB: wsoracle judge reads it in a terminal."); return; }
    one.arrayBuffer().then(function (octets) {
      file = { name: one.name, octets: new Uint8Array(octets) };
      decode();
    }, function () { say(one.name + " cannot be read."); });
  }

  document.addEventListener("DOMContentLoaded", function () {
    fromFile = location.protocol === "file:";
    by("from-file").hidden = !fromFile;
    by("decoder").addEventListener("submit", function (/** @type {Event} */ event) {
      event.preventDefault(); decode();
    });
    by("text").addEventListener("input", function () { file = null; });
    by("text").addEventListener("keydown", function (/** @type {KeyboardEvent} */ event) {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); decode(); }
    });
    by("decoder").addEventListener("change", function (/** @type {Event} */ event) {
      if (event.target !== by("text") && event.target !== by("file") && by("result").firstChild) { decode(); }
    });
    by("stop").addEventListener("click", function () { stop(); say("Stopped."); });
    by("open").addEventListener("click", function () { by("file").click(); });
    by("file").addEventListener("change", function () {
      if (by("file").files[0]) { take(by("file").files[0]); }
      by("file").value = "";
    });
    document.querySelectorAll("[data-text]").forEach(function (/** @type {any} */ one) {
      one.addEventListener("click", function () {
        file = null;
        by("text").value = one.dataset.text;
        /** @type {HTMLInputElement} */ (document.querySelector("[name=role][value=" + one.dataset.role + "]")).checked = true;
        decode();
      });
    });
    document.addEventListener("dragover", function (event) {
      event.preventDefault(); document.body.classList.add("dropping");
    });
    document.addEventListener("dragleave", function (event) {
      if (!event.relatedTarget) { document.body.classList.remove("dropping"); }
    });
    document.addEventListener("drop", function (event) {
      event.preventDefault(); document.body.classList.remove("dropping");
      var dropped = event.dataTransfer && event.dataTransfer.files[0];
      var text = event.dataTransfer && event.dataTransfer.getData("text/plain");
      if (dropped) { take(dropped); } else if (text) { file = null; by("text").value = text; decode(); }
    });
    if (recall()) { decode(); }
    window.addEventListener("hashchange", function () { if (recall()) { file = null; decode(); } });
  });
})();
