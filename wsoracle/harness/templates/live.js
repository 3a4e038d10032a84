"use strict";
// Asks for what has changed and shows it. Whatever agents sent is written as text, never as HTML.
const rows = new Map();
const verdicts = new Map();
let serial = 0;

function cell(row, text, kind) {
  const made = row.insertCell();
  made.textContent = text;
  if (kind) made.className = kind;
}

function kindOf(result) {
  if (result.passed) return "passed";
  return ["INFORMATIONAL", "UNIMPLEMENTED"].includes(result.verdict) ? "other" : "failed";
}

function show(result, agents) {
  const key = result.agent + " " + result.case;
  const kind = kindOf(result);
  const row = rows.get(key) || document.getElementById("results").insertRow(0);
  rows.set(key, row);
  verdicts.set(key, [result.agent, kind]);
  row.replaceChildren();
  row.dataset.kind = kind;
  row.hidden = document.getElementById("only-failed").checked && kind === "passed";
  cell(row, agents[result.agent].name);
  cell(row, result.case);
  cell(row, result.verdict, kind);
  cell(row, result.behaviorClose);
  cell(row, result.rules.join(", "));
}

function sums(agents) {
  const counted = agents.map(() => ({ passed: 0, failed: 0, other: 0 }));
  for (const [agent, kind] of verdicts.values()) counted[agent][kind] += 1;
  const body = document.getElementById("agents");
  body.replaceChildren();
  agents.forEach((agent, place) => {
    const row = body.insertRow();
    cell(row, agent.name);
    cell(row, String(agent.run));
    cell(row, String(counted[place].passed), "passed");
    cell(row, String(counted[place].failed), counted[place].failed ? "failed" : "");
    cell(row, String(counted[place].other));
    cell(row, agent.now.join(", "));
  });
}

async function ask() {
  const state = document.getElementById("state");
  try {
    const answer = await fetch("/live.json?since=" + serial);
    const news = await answer.json();
    if (news.serial < serial) location.reload();
    serial = news.serial;
    for (const result of news.results) show(result, news.agents);
    sums(news.agents);
    state.textContent = news.agents.length ? `${rows.size} results of ${news.agents.length} agents.` : "Waiting for an agent.";
  } catch (error) {
    state.textContent = "The server does not answer: it has ended, or is busy.";
  }
  setTimeout(ask, 1000);
}

document.getElementById("only-failed").addEventListener("change", (event) => {
  for (const row of rows.values()) row.hidden = event.target.checked && row.dataset.kind === "passed";
});
ask();
