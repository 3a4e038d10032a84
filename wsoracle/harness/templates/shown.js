"use strict";
// How the pages show an agent. Elements stay and only their texts change, so that nothing moves under a reader and the
// keyboard's place is kept. Whatever agents sent is written as text, never as HTML.
function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
  return node;
}

// The child of that number, made if it is not there yet.
function child(parent, number, make) {
  return parent.children[number] || parent.appendChild(make());
}

function make(name, kind, ...inside) {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  made.append(...inside);
  return made;
}

// A name in short: an agent may have one of 4096 characters.
function short(name) {
  return name.length > 80 ? name.slice(0, 80) + "..." : name;
}

function cut(parent, count) {
  while (parent.children.length > count) parent.lastChild.remove();
}

function part(parent, kind) {
  return parent.querySelector("." + kind);
}

function link(node, text, address) {
  put(node, text);
  if (address) node.setAttribute("href", address);
}

function newAgent() {
  const bar = make("progress", "bar");
  return make("section", "agent", make("h2", "line name"), bar, make("p", "line where"), make("ul", "counts"),
    make("p", "outcome", make("strong", "verdict"), make("span", "words"), make("a", "report")));
}

function outcome(agent) {
  if (!agent.reported) return agent.run ? "Its report is written when it asks for that." : "";
  const left = agent.of - agent.run, more = left > 0 ? ` ${left} were not run.` : "";
  const of = `${agent.run} case${agent.run === 1 ? "" : "s"}`;
  return (agent.failed ? `${agent.failed} of ${of}; the causes are below.` : `nothing in ${of} failed.`) + more + " ";
}

function showAgent(section, agent) {
  const whole = agent.run >= agent.of;
  const style = !agent.reported ? "" : agent.failed ? "FAILED" : whole ? "OK" : "";
  section.className = "agent " + style;
  section.setAttribute("aria-label", short(agent.name));
  put(part(section, "name"), short(agent.name)).title = agent.name;
  const bar = part(section, "bar");
  bar.max = Math.max(agent.of, 1);
  bar.value = agent.run;
  bar.setAttribute("aria-label", "cases of " + short(agent.name) + " that were run");
  const more = agent.now.length > 2 ? ` and ${agent.now.length - 2} more` : "";
  const now = agent.now.length ? `, now ${agent.now.slice(0, 2).join(", ")}${more}` : agent.reported ? ", done" : "";
  put(part(section, "where"), `${agent.run} of ${agent.of} cases${now}`);
  const list = part(section, "counts");
  agent.verdicts.forEach((one, number) => {
    const item = child(list, number, () => make("li"));
    item.className = one.count ? one.style : "none";
    put(item, `${one.sign} ${one.verdict} ${one.count}`);
  });
  put(part(section, "verdict"), !agent.reported ? "" : agent.failed ? "✗ FAILED: " : whole ? "✓ passed: " : "").className = "verdict " + style;
  put(part(section, "words"), outcome(agent));
  link(part(section, "report"), agent.reported ? "Its report" : "", agent.reported && "/reports/index.html");
}

function showCauses(section, agent, heading) {
  put(child(section, 0, () => make("h2")), heading);
  agent.causes.forEach((cause, number) => {
    const shown = child(section, number + 1, () => make("section", "cause", make("p", "", make("strong", "verdict"),
      make("span", "says"), make("a", "example")), make("blockquote", "clause")));
    shown.className = "cause " + cause.style;
    shown.setAttribute("aria-label", "cause " + (number + 1));
    put(part(shown, "verdict"), `${cause.sign} ${cause.verdict} `).className = "verdict " + cause.style;
    put(part(shown, "says"), `${cause.says} · ${cause.count}, such as `);
    link(part(shown, "example"), cause.case, cause.page);
    put(part(shown, "clause"), cause.clause).hidden = !cause.clause;
  });
  const more = agent.moreCauses ? 1 : 0;
  cut(section, agent.causes.length + 1);
  if (more) section.append(make("p", "dim", `and ${agent.moreCauses} more in its report`));
  section.hidden = !agent.causes.length;
}

// What there is to show of all agents, each with its causes in a part of its own.
function showAgents(agents) {
  const cards = document.getElementById("agents"), causes = document.getElementById("causes");
  agents.forEach((agent, number) => {
    showAgent(child(cards, number, newAgent), agent);
    const heading = agents.length > 1 ? `Causes: ${short(agent.name)}` : "Causes";
    showCauses(child(causes, number, () => make("div")), agent, heading);
  });
}
