// The explorer: two endpoints, the channels between them, what each may do next, and what was done.
// @ts-check
(function (/** @type {any} */ root) {
  "use strict";
  const known = root.wsoracleRules, machine = root.wsoracleMachine, wire = root.wsoracleWire, story = root.wsoracleHistory;
  const { an, capital, chip, labelled, loadScript, make, octets, place, reasons, ruleLink, select } = root.wsoracleParts;
  const deflate = root.wsoracleDeflate;
  const SIDES = /** @type {("c" | "s")[]} */ (["c", "s"]);
  const ROLES = /** @type {Record<string, string>} */ ({ c: "client", s: "server" });
  const GROUPS = [
    ["must", "Must", "a rule of the RFC asks for it now"],
    ["should", "Should", "recommended now, or promised by the application"],
    ["may", "May", "allowed"],
    ["not", "Should not", "it departs from a recommendation, or from what implementations agree on"],
    ["never", "Must not", "a rule forbids it; press it to see what a faulty endpoint brings about"],
  ];
  /** @type {any} */
  let history = null;
  /** @type {any} */
  let world = null;
  /** What an opening handshake agrees on that leaves permessage-deflate as it is by default. */
  const DEFLATE = { client_window: 32768, server_window: 32768, client_takeover: 1, server_takeover: 1 };

  // --- the history ----------------------------------------------------------------------------------------------------

  /** How many of the actions are done. */
  function moment() { return history.at === null ? history.actions.length : Math.min(history.at, history.actions.length); }

  /** @param {any} action */
  function press(action) {
    history.actions = [...history.actions.slice(0, moment()), action];
    history.at = null;
    go();
  }

  /** Undo or redo up to a moment. @param {number} steps */
  function goTo(steps) {
    history.at = steps;
    go();
  }

  /** Put the history into the address, and show it. */
  function go() {
    const text = `#${story.write(history)}`;
    if (location.hash === text) { show(); } else { location.hash = text; }
  }

  function fromAddress() {
    const text = decodeURIComponent(location.hash.slice(1));
    const found = story.read(text);
    place("explorer-wrong").textContent = found ? "" : "The address holds no history that can be read: this is a fresh one.";
    history = found || story.read("open");
    show();
    if (history.broken && !root.wsoracleBroken) { loadScript("broken.js", show); }
    if (history.found && !root.wsoraclePresets) { loadScript("presets.js", show); }
  }

  // --- what may happen next -------------------------------------------------------------------------------------------

  /** What an endpoint could send, each with its words. @param {any} end @param {string} who @returns {[string, any][]} */
  function palette(end, who) {
    const masked = who === "c", text = wire.octetsOfText, state = end.state;
    /** @param {number} opcode @param {number[]} payload @param {any} [more] */
    const frame = (opcode, payload, more) => wire.frame(opcode, payload, masked, more);
    /** @param {number} code @param {string} [reason] */
    const close = (code, reason = "") => frame(8, [code >> 8, code & 255, ...text(reason)]);
    if (state.handshake) { return [...heads(who), ["close TCP", { type: "end" }]]; }
    /** @type {[string, any][]} */
    const found = [];
    if (end.ping !== null && state.pong_due) { found.push(["Pong, with the payload of the Ping", frame(10, wire.unhex(end.ping.split("*")[0]) || [])]); }
    if (end.echoes.length) { found.push(["the echo of the message", frame(1, wire.unhex(end.echoes[0].split("*")[0]) || [])]); }
    if (state.failed && state.fail_code) { found.push([`Close ${state.fail_code}, which says why`, close(state.fail_code)]); }
    if (state.got_close) {
      found.push([state.close_code === known.noCode ? "Close, as the one received" : `Close ${state.close_code}, as the one received`,
        state.close_code === known.noCode ? frame(8, []) : close(state.close_code)]);
    }
    const compressed = { rsv: [true, false, false] };
    if (state.send_window) { found.push(["compressed text “Hello”", frame(1, deflate.deflate(text("Hello")), compressed)]); }
    found.push(["text “Hello”", frame(1, text("Hello"))], ["first fragment of a text, “Hel”", frame(1, text("Hel"), { fin: false })]);
    if (state.send_type) { found.push(["next fragment, “lo”", frame(0, text("lo"), { fin: false })]); }
    found.push(["last fragment, “lo”", frame(0, text("lo"))], ["binary message of 2 octets", frame(2, [1, 2])],
      ["Ping", frame(9, text("hi"))], ["Pong that nobody asked for", frame(10, text("so"))],
      ["Close 1000, normal closure", close(1000)], ["Close without a code", frame(8, [])], ["close TCP", { type: "end" }],
      [masked ? "text that is not masked" : "text that is masked", wire.frame(1, text("Hello"), !masked)],
      ["frame of reserved opcode 3", frame(3, [])],
      [state.send_window ? "compressed text that is no DEFLATE data" : "text with RSV1 set", frame(1, text("Hello"), compressed)],
      ["text that is not UTF-8", frame(1, [0x48, 0xff])], ["Ping of 126 octets", frame(9, [], { fill: 126n })],
      ["Ping without FIN", frame(9, [], { fin: false })], ["Close 1005, which stands for no code", close(1005)],
      ["Close with a body of one octet", frame(8, [3])], ["text with a length of 2^63", frame(1, [], { fill: 1n << 63n })]);
    return found;
  }

  /** @param {string} who @returns {[string, any][]} */
  function heads(who) {
    /** @param {string} type @param {any} changes */
    const head = (type, changes) => ({ type, facts: Object.assign({}, known.first[type], changes) });
    const plain = { upgrade: 0, connection: 0, accept: 0 };
    if (who === "c") {
      return [["a sound opening handshake", head("request", {})], ["a request without a key", head("request", { key: 0 })],
        ["a request of another version", head("request", { version: 2 })],
        ["a request that asks for no WebSocket", head("request", { upgrade: 0, connection: 0, key: 0, version: 0 })]];
    }
    return [["101 Switching Protocols", head("response", {})], ["400 Bad Request", head("response", { status: 400, ...plain })],
      ["403 Forbidden", head("response", { status: 403, ...plain })],
      ["426 Upgrade Required, with the versions", head("response", { status: 426, versions: 1, ...plain })],
      ["200 OK, with a page", head("response", { status: 200, ...plain })],
      ["101 with a wrong Sec-WebSocket-Accept", head("response", { accept: 2 })]];
  }

  /**
   * What the rules say of an output: a group, and the rules with what they do.
   * @param {any} end @param {any} unit @returns {{group: string, because: [string, string][]}}
   */
  function judged(end, unit) {
    const event = story.sending(end, unit), outcomes = machine.allowed(event.kind, end.setting, end.state, event.facts, true, rules());
    if (!outcomes.length) {
      const found = machine.forbiddenBy(event.kind, end.setting, end.state, event.facts, rules());
      return { group: "never", because: found.map((/** @type {any} */ row) => ["forbidden by", row.id]) };
    }
    const first = story.usual(outcomes);
    if (first.departs.length) {
      return { group: "not", because: first.departs.map((/** @type {string} */ id) => ["departs from", id]) };
    }
    const done = machine.doneBy(event.kind, event.facts);
    const due = machine.owed(end.setting, end.state, rules()).filter((/** @type {any} */ one) => one.due === done);
    const allowedBy = first.rules.map((/** @type {string} */ id) => ["allowed by", id]);
    if (!due.length) { return { group: "may", because: allowedBy }; }
    const must = due.some((/** @type {any} */ one) => one.rule.strength === "MUST");
    return { group: must ? "must" : "should",
      because: [...due.map((/** @type {any} */ one) => ["asked for by", one.rule.id]), ...allowedBy] };
  }

  /** The same with the title of the group. @param {"c" | "s"} who @param {any} unit */
  function titled(who, unit) {
    const found = judged(world.ends[who], unit);
    return Object.assign(found, { title: (GROUPS.find((one) => one[0] === found.group) || [])[1] });
  }

  /** The rules in force: ours, or those that a reader has broken. @returns {any} */
  function rules() { return root.wsoracleBroken ? root.wsoracleBroken.rules(history.broken) : undefined; }

  /** A button with its reasons, which open below it. @param {string} words @param {any} action @param {any[]} because @param {string} kind */
  function choice(words, action, because, kind) {
    const button = make("button", { type: "button", class: "do", click: () => press(action) }, words);
    const why = make("details", {}, make("summary", { "aria-label": `Why: ${words}` }, "why"), reasons(because));
    return make("li", { class: `choice ${kind}` }, button, why);
  }

  /** @param {"c" | "s"} who */
  function inputs(who) {
    const end = world.ends[who], next = end.coming[0];
    if (!next) { return null; }
    const event = story.arriving(end, next.unit);
    if (!machine.possible(event.kind, end.setting, end.state, event.facts)) {
      return section(`${next.words} has come`, "", [choice(`Pass by ${next.words}: no rule is about it now`, { who, does: "take" }, [], "may")]);
    }
    const outcomes = machine.allowed(event.kind, end.setting, end.state, event.facts, true, rules());
    const usual = story.usual(outcomes);
    const items = outcomes.map((/** @type {any} */ one) => {
      const because = [...one.rules.map((/** @type {string} */ id) => ["by", id]), ...one.departs.map((/** @type {string} */ id) => ["departs from", id])];
      const kind = one.departs.length ? "not" : one.strength === "MAY" ? "may" : "must";
      const action = { who, does: "take", choice: one === usual ? undefined : story.choiceOf(one.label) };
      const said = one.row.choice || one.label.kind;
      const told = one.label.delivers ? ` (the application is told: ${one.label.delivers})` : "";
      return choice(`${capital(said)}${told}`, action, because, kind);
    });
    const many = outcomes.length > 1 ? ` It has a choice of ${outcomes.length}.` : "";
    const box = section(`${capital(an(next.words))} has come`, many, items);
    if (next.unit.type === "frame" && !next.begun) { box.append(segments(who, next.unit)); }
    const against = anyways(who, event, outcomes);
    if (against) { box.append(against); }
    return box;
  }

  /** What it could do against the rules with what has come. @param {"c" | "s"} who @param {any} event @param {any[]} outcomes */
  function anyways(who, event, outcomes) {
    const end = world.ends[who], seen = new Set(outcomes.map((one) => story.choiceOf(one.label)));
    const because = machine.forbiddenBy(event.kind, end.setting, end.state, event.facts, rules()).map((/** @type {any} */ row) => ["forbidden by", row.id]);
    const rows = machine.rules.filter((/** @type {any} */ row) => row.on === event.kind && ANYWAY.has(choiceOf(row)));
    const items = [];
    for (const row of rows) {
      const one = choiceOf(row);
      if (seen.has(one)) { continue; }
      seen.add(one);
      items.push(choice(`${capital(row.choice)} all the same`, { who, does: "take", choice: `anyway-${one}` }, because, "never"));
    }
    return items.length ? folded(who, "anyway", "Must not", "no rule lets it do this with what has come", items) : null;
  }
  const ANYWAY = new Set(["accept", "fail-1002", "fail-1006", "refuse-400"]);

  /** @param {any} row @returns {string} */
  function choiceOf(row) { return story.choiceOf(machine.labelOf(row)); }

  /** Choices that are not shown at first. @param {string} who @param {string} name @param {string} title @param {string} meaning @param {HTMLElement[]} items */
  function folded(who, name, title, meaning, items) {
    return make("details", { class: "group", "data-keep": `${who}-${name}` }, make("summary", {}, `${title} (${items.length})`),
      make("p", { class: "small" }, meaning), make("ul", { class: "choices" }, ...items));
  }

  /** @param {"c" | "s"} who @param {any} unit */
  function segments(who, unit) {
    const header = story.headerOf(unit), whole = BigInt(header) + wire.lengthOf(unit);
    /** @param {number} octets @param {string} words */
    const cut = (octets, words) => BigInt(octets) < whole
      ? make("button", { type: "button", class: "small", click: () => press({ who, does: "begin", octets }) }, words) : null;
    return make("p", { class: "small segments" }, "Or let TCP bring it in segments: ", cut(1, "its first octet"), " ", cut(header, "its header only"));
  }

  /** @param {string} title @param {string} more @param {HTMLElement[]} items */
  function section(title, more, items) {
    return make("div", { class: "group" }, make("h4", {}, title), more ? make("p", { class: "small" }, more) : null, make("ul", { class: "choices" }, ...items));
  }

  /** @param {"c" | "s"} who */
  function outputs(who) {
    const end = world.ends[who], box = make("div", {});
    if (!end.state.tcp_open) { return make("p", { class: "small" }, "It has closed TCP, and sends nothing more."); }
    /** @type {Record<string, HTMLElement[]>} */
    const found = {};
    const seen = new Set();
    for (const [words, unit] of palette(end, who)) {
      const text = wire.write(unit);
      if (seen.has(text) || !story.canSend(world, who, unit)) { continue; }
      seen.add(text);
      const { group, because } = judged(end, unit);
      const verb = unit.type === "end" ? capital(words) : `Send ${words}`;
      (found[group] = found[group] || []).push(choice(verb, { who, does: "send", unit }, because, group));
    }
    const silence = machine.forbiddenBy("silence", end.setting, end.state, null, rules()), quiet = silence.length ? "never" : "may";
    (found[quiet] = found[quiet] || []).push(choice("Stay silent", { who, does: "wait" }, silence.map((/** @type {any} */ row) => ["forbidden by", row.id]), quiet));
    for (const [name, title, meaning] of GROUPS) {
      if (!found[name]) { continue; }
      const items = found[name];
      if (name === "must" || name === "should" || name === "may") { box.append(section(title, meaning, items)); continue; }
      box.append(folded(who, name, title, meaning, items));
    }
    return box;
  }

  // --- what is shown --------------------------------------------------------------------------------------------------

  /** @param {"c" | "s"} who */
  function channel(who) {
    const coming = world.ends[who].coming;
    const items = coming.map((/** @type {any} */ one) => make("li", {}, make("strong", {}, one.words), one.begun ? " (begun)" : "", chip(one.unit)));
    const arrow = who === "s" ? "client → server" : "client ← server";
    return make("div", { class: "channel" }, make("h4", {}, arrow),
      items.length ? make("ol", {}, ...items) : make("p", { class: "small" }, "nothing under way"));
  }

  /** @param {"c" | "s"} who */
  function endpoint(who) {
    const end = world.ends[who], box = place(`explorer-${who}`), you = history.facing === who;
    const kept = new Set([...box.querySelectorAll("details[open][data-keep]")].map((one) => /** @type {HTMLElement} */ (one).dataset.keep));
    box.replaceChildren(make("h3", {}, `The ${ROLES[who]}${you ? ": you" : ""}`));
    if (you) {
      box.append(make("p", { class: "small" }, "You play this end: no rule keeps you from anything. What comes to you is listed in the middle."));
      if (end.coming.length) { box.append(make("button", { type: "button", class: "small", click: () => press({ who, does: "take" }) }, `Take ${an(end.coming[0].words)}`)); }
      const items = palette(end, who).filter(([, unit]) => story.canSend(world, who, unit))
        .map(([words, unit]) => make("li", { class: "choice may" }, make("button", { type: "button", class: "do", click: () => press({ who, does: "send", unit }) },
          unit.type === "end" ? capital(words) : `Send ${words}`)));
      box.append(section("Send", "", items));
    } else {
      box.append(stateOf(end));
      const input = inputs(who);
      if (input) { box.append(input); }
      box.append(outputs(who));
    }
    const any = root.wsoracleForms.form(who, { world, history, press, judged: titled });
    if (any) { box.append(any); }
    for (const one of box.querySelectorAll("details[data-keep]")) { /** @type {HTMLDetailsElement} */ (one).open = kept.has(/** @type {HTMLElement} */ (one).dataset.keep); }
  }

  /** The state in the words of section 7.1, and what is owed. @param {any} end */
  function stateOf(end) {
    const due = machine.owed(end.setting, end.state, rules());
    const names = [...new Set(due.map((/** @type {any} */ one) => known.dues[one.due]))];
    const variables = Object.keys(known.first.open).map((name) => make("div", { class: end.state[name] === known.first.open[name] ? "" : "changed" },
      make("dt", {}, known.variables[name].meaning), make("dd", {}, story.valueWords(name, end.state[name]))));
    const agreed = story.agreedWords(end.state);
    return make("div", { class: "state" }, make("p", {}, make("strong", {}, story.stateWords(end.state))), agreed ? make("p", { class: "small" }, `${capital(agreed)}.`) : null,
      make("p", {}, names.length ? `Owes ${names.join(" and ")}.` : "Owes nothing: it may stay silent."),
      make("details", {}, make("summary", {}, "all that the rules know of it"), make("dl", { class: "known" }, ...variables)));
  }

  /** What is to be done now, in a line. */
  function next() {
    const said = SIDES.filter((who) => history.facing !== who).flatMap((who) => {
      const end = world.ends[who], due = machine.owed(end.setting, end.state, rules());
      const names = [...new Set(due.map((/** @type {any} */ one) => known.dues[one.due]))];
      const coming = end.coming.length ? [`the ${ROLES[who]} has ${an(end.coming[0].words)} to take in`] : [];
      return [...coming, ...(names.length ? [`the ${ROLES[who]} owes ${names.join(" and ")}`] : [])];
    });
    const over = SIDES.every((who) => !world.ends[who].state.tcp_open);
    return make("p", { class: "next" }, `Now: ${said.length ? said.join("; ") : over ? "both have closed TCP: the connection is over" : "nothing is owed"}.`);
  }

  function last() {
    const box = place("explorer-last"), step = world.steps[world.steps.length - 1];
    if (!step) {
      box.replaceChildren(make("p", {}, history.start === "open"
        ? "Nothing has happened yet: the opening handshake is complete, and both may send." : "Nothing has happened yet: TCP is open, and the client is to ask for a WebSocket."), next());
      return;
    }
    const said = step.who ? `The ${ROLES[step.who]} ${step.words}` : step.words;
    const because = [...step.rules.map((/** @type {string} */ id) => [step.broken ? "forbidden by" : "by", id]), ...step.departs.map((/** @type {string} */ id) => ["departs from", id])];
    box.replaceChildren(make("p", { class: step.broken ? "broken" : "" }, make("strong", {}, `${step.number}. ${said}`), `: ${step.outcome}.`),
      next(), because.length ? reasons(/** @type {any} */ (because)) : make("span", {}),
      step.unit && step.unit.type === "frame" && (step.does === "send" || step.carried) ? octets(step.unit, step.carried) : make("span", {}));
  }

  function log() {
    const steps = story.play(Object.assign({}, history, { at: null }), rules()).steps, count = history.actions.length, now = moment();
    root.wsoracleSequence.show(place("explorer-log"), steps, now, goTo);
    place("explorer-count").textContent = `${now} step${now === 1 ? "" : "s"}${now < count ? ` of ${count}` : ""}`;
    /** @type {HTMLButtonElement} */ (place("explorer-undo")).disabled = !now;
    /** @type {HTMLButtonElement} */ (place("explorer-redo")).disabled = now === count;
    if (count !== steps.length) { place("explorer-wrong").textContent = "The history ends where it cannot go on."; }
  }

  /** What a real endpoint did, if the history shows that. */
  function found() {
    const box = place("explorer-found"), every = root.wsoraclePresets || [];
    const one = every.flatMap((/** @type {any} */ group) => group[1]).find((/** @type {any} */ entry) => entry[2] && entry[2] === history.found);
    box.hidden = !one;
    if (one) { box.replaceChildren(make("strong", {}, "What a real endpoint did: "), `${one[3]} `, make("a", { href: `${one[4]}#${one[2]}` }, "The finding")); }
  }

  /** What rule is broken, if one is, and the way back. */
  function brokenRule() {
    const box = place("explorer-broken"), fault = root.wsoracleBroken && root.wsoracleBroken.about(history.broken);
    box.hidden = !history.broken;
    if (!history.broken) { return; }
    const mend = make("button", { type: "button", class: "small", click: () => { history.broken = ""; go(); } }, "Mend it");
    if (!fault) { box.replaceChildren(`No fault of this site is called ${history.broken}: the rules are whole. `, mend); return; }
    const whose = history.facing ? `of the ${ROLES[story.peerOf(history.facing)]}` : "of both ends";
    box.replaceChildren(make("strong", {}, "A rule is broken"), ` ${whose}: `, ruleLink(fault.rule), `, ${fault.change}. `, mend, " ",
      make("a", { href: fault.place }, "What falls with it"));
  }

  function show() {
    world = story.play(history, rules());
    brokenRule();
    found();
    SIDES.forEach(endpoint);
    place("explorer-middle").replaceChildren(channel("s"), channel("c"), make("button", { type: "button", class: "small", click: () => press({ who: "", does: "cut" }) }, "Cut the connection"));
    last();
    log();
    document.querySelectorAll(".explorer").forEach((one) => one.classList.add("ready"));
    /** @type {HTMLSelectElement} */ (place("explorer-start")).value = history.start === "open" && history.changes.client_window ? "deflate" : history.start;
    /** @type {HTMLSelectElement} */ (place("explorer-facing")).value = history.facing;
    for (const field of document.querySelectorAll("#explorer-settings [name]")) {
      const one = /** @type {HTMLInputElement} */ (field), value = known.first.client[one.name];
      one.value = String(Number(one.name in history.changes ? history.changes[one.name] : value));
    }
  }

  // --- controls -------------------------------------------------------------------------------------------------------

  function settings() {
    /** @param {string} name */
    const changed = (name) => (/** @type {Event} */ event) => {
      const value = /** @type {HTMLInputElement} */ (event.target).value;
      if (!/^-?\d{1,15}$/.test(value)) { return; }
      if (BigInt(value) === BigInt(known.first.client[name])) { delete history.changes[name]; } else { history.changes[name] = Number(value); }
      go();
    };
    /** @param {string} name @param {string} words @param {HTMLElement} field */
    const line = (name, words, field) => { field.addEventListener("change", changed(name)); return labelled(words, field); };
    place("explorer-settings").append(
      line("echo", "the application sends every message back", select([["0", "no"], ["1", "yes"]], "0", "echo")),
      line("willing", "the server takes every sound opening handshake", select([["0", "no"], ["1", "yes"]], "0", "willing")),
      line("limit", "longest message that an endpoint takes, in octets; -1: not stated", make("input", { name: "limit", inputmode: "numeric", size: "12" })),
      ...known.switches.map((/** @type {any} */ one) => line(one.name, one.question,
        select(one.values.map((/** @type {string} */ value, /** @type {number} */ at) => [String(at), value]), "0", one.name))));
  }

  function presets() {
    const group = /** @type {HTMLSelectElement} */ (place("explorer-group")), field = /** @type {HTMLSelectElement} */ (place("explorer-preset"));
    /** @param {string} title @param {string} value */
    const option = (title, value) => make("option", { value }, title);
    const fill = () => {
      if (group.dataset.ready) { return; }
      group.append(...root.wsoraclePresets.map((/** @type {any} */ one, /** @type {number} */ at) => option(one[0], String(at))));
      group.dataset.ready = "yes";
    };
    const load = () => { if (root.wsoraclePresets) { fill(); } else { loadScript("presets.js", fill); } };
    group.addEventListener("focus", load, { once: true });
    group.addEventListener("pointerdown", load, { once: true });
    group.addEventListener("change", () => {
      place("explorer-which").hidden = !group.value;
      if (group.value) {
        const entries = root.wsoraclePresets[Number(group.value)][1];
        field.replaceChildren(option(`${entries.length} of them: choose one ...`, ""), ...entries.map((/** @type {string[]} */ one) => option(one[0], one[1])));
      }
    });
    field.addEventListener("change", () => {
      const chosen = field.value && story.read(field.value);
      if (chosen) { history = chosen; go(); }
    });
  }

  function begin() {
    place("explorer-undo").addEventListener("click", () => goTo(moment() - 1));
    place("explorer-redo").addEventListener("click", () => goTo(moment() + 1));
    place("explorer-anew").addEventListener("click", () => { history = Object.assign(history, { actions: [], at: null, found: "" }); go(); });
    place("explorer-start").addEventListener("change", (event) => {
      const chosen = /** @type {any} */ (event.target).value, changes = Object.assign({}, history.changes);
      for (const name of story.AGREEABLE) { delete changes[name]; }
      if (chosen === "deflate") { Object.assign(changes, DEFLATE); }
      history = Object.assign(story.read("open"), { start: chosen === "connecting" ? "connecting" : "open", facing: history.facing, changes });
      go();
    });
    place("explorer-facing").addEventListener("change", (event) => {
      history = Object.assign(history, { facing: /** @type {any} */ (event.target).value, actions: [], at: null, found: "" });
      go();
    });
    settings();
    presets();
    root.addEventListener("hashchange", fromAddress);
    root.addEventListener("resize", log);
    fromAddress();
  }
  // A page without one of its scripts says so, and does nothing.
  if (!root.wsoracleMissing) { begin(); }
})(globalThis);
