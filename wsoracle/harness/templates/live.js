"use strict";
// Asks for what has changed and shows it.
const MOST_ROWS = 5000;
const rows = new Map();
const only = document.getElementById("only-failed");
const results = document.getElementById("results");
let serial = 0;

function show(result, agents) {
  const key = result.agent + " " + result.case;
  const row = rows.get(key) || results.insertRow();
  rows.set(key, row);
  row.replaceChildren();
  row.dataset.passed = result.passed;
  row.hidden = only.checked && result.passed;
  const page = make("a");
  link(page, result.case, result.page);
  row.append(make("td", "", page), make("td", "verdict " + result.style, `${result.sign} ${result.verdict}`),
    make("td", "", short(agents[result.agent].name)), make("td", "wide-only", result.behaviorClose),
    make("td", "wide-only", result.rules.join(", ")));
}

// The oldest go where there are too many; a list that shows its end goes on showing it.
function showResults(news) {
  const box = results.closest(".window");
  const atEnd = box.scrollTop + box.clientHeight >= box.scrollHeight - 4;
  for (const result of news.results) show(result, news.agents);
  for (const [key, row] of rows) {
    if (rows.size <= MOST_ROWS) break;
    row.remove();
    rows.delete(key);
  }
  if (atEnd) box.scrollTop = box.scrollHeight;
}

function words(agents) {
  const running = agents.filter((agent) => agent.now.length).length;
  const count = agents.reduce((sum, agent) => sum + agent.run, 0);
  if (!agents.length) return "Waiting for an agent.";
  return `${count} results of ${agents.length} agent${agents.length === 1 ? "" : "s"}` + (running ? `, ${running} running.` : ".");
}

async function ask() {
  const state = document.getElementById("state");
  try {
    const answer = await fetch("/live.json?since=" + serial);
    const news = await answer.json();
    if (news.serial < serial) location.reload();
    serial = news.serial;
    showResults(news);
    showAgents(news.agents);
    put(state, words(news.agents));
  } catch (error) {
    put(state, "The server does not answer: it has ended, or is busy.");
  }
  setTimeout(ask, 1000);
}

only.addEventListener("change", () => {
  for (const row of rows.values()) row.hidden = only.checked && row.dataset.passed === "true";
});
ask();
