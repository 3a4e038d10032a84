"use strict";
// Makes this browser a client under test: asks for the number of cases, echoes in each, opens what is asked for besides
// (the URIs of one probe at the same time), and has the reports written.
const at = (id) => document.getElementById(id);
const asked = new URLSearchParams(location.search);
let stopped = false;

function name() {
  const brands = navigator.userAgent.match(/(Firefox|Edg|OPR|Chrome|Version)\/[\d.]+/g) || ["browser"];
  return brands[brands.length - 1].replace("Version", "Safari");
}

// Resolves with the last message when the connection is gone, however it went.
function talk(url, echo) {
  return new Promise((resolve) => {
    let last = null;
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    socket.onmessage = (event) => {
      last = event.data;
      if (echo && socket.readyState === WebSocket.OPEN) socket.send(event.data);
    };
    socket.onclose = () => resolve(last);
  });
}

// The verdict of the server of this page on the agent; another server has it on a page of its own.
async function outcomeOf(agent) {
  const answer = await fetch("/live.json?agent=" + agent).catch(() => null);
  const news = answer && answer.ok ? await answer.json() : { agents: [] };
  showAgents(news.agents);
  return news.agents.length ? "" : " The server that was named has the results on its own page.";
}

async function run() {
  const server = at("server").value.replace(/\/+$/, "");
  const agent = encodeURIComponent(at("agent").value);
  const only = at("casetuple").value.trim();
  stopped = false;
  at("start").disabled = true;
  at("stop").disabled = false;
  const count = only ? 1 : Number(await talk(server + "/getCaseCount", false));
  if (!count) {
    at("state").textContent = "No answer from " + server;
  } else {
    at("progress").max = count;
    for (let number = 1; number <= count && !stopped; number += 1) {
      const which = only ? "casetuple=" + encodeURIComponent(only) : "case=" + number;
      at("state").textContent = `Case ${only || number} of ${count}`;
      await talk(`${server}/runCase?${which}&agent=${agent}`, true);
      at("progress").value = number;
    }
    at("state").textContent = "Several connections at once, and URIs that are hard to write";
    const probes = only || stopped ? "[]" : await talk(`${server}/getProbes?agent=${agent}`, false);
    for (const { uris } of JSON.parse(probes || "[]")) {
      await Promise.all(uris.map((uri) => talk(uri, true).catch(() => null)));
    }
    await talk(`${server}/updateReports?agent=${agent}`, false);
    const elsewhere = await outcomeOf(agent);
    at("state").textContent = (stopped ? "Stopped." : "Done.") + elsewhere;
  }
  at("start").disabled = false;
  at("stop").disabled = true;
}

function begin() {
  run().catch((error) => {
    at("state").textContent = String(error);
    at("start").disabled = false;
    at("stop").disabled = true;
  });
}

const secure = document.body.dataset.secure === "1";
at("server").value = asked.get("server") || `${secure ? "wss" : "ws"}://${location.hostname}:${document.body.dataset.port}`;
at("agent").value = asked.get("agent") || name();
at("casetuple").value = asked.get("casetuple") || "";
at("stop").addEventListener("click", () => { stopped = true; });
at("settings").addEventListener("submit", (event) => { event.preventDefault(); begin(); });
if (["1", "true", "yes"].includes((asked.get("autostart") || "").toLowerCase())) begin();
