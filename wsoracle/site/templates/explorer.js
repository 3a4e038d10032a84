// The explorer: two endpoints, the channels between them, what each may do next, and what was done.
// @ts-check
(function (/** @type {any} */ root) {
  "use strict";
  const known = root.wsoracleRules, machine = root.wsoracleMachine, wire = root.wsoracleWire, story = root.wsoracleHistory;
  const SIDES = /** @type {("c" | "s")[]} */ (["c", "s"]);
  const ROLES = /** @type {Record<string, string>} */ ({ c: "client", s: "server" });
  const GROUPS = [
    ["must", "Must", "a rule of the RFC asks for it now"],
    ["should", "Should", "recommended now, or promised by the application"],
    ["may", "May", "allowed"],
    ["not", "Should not", "it departs from a recommendation, or from what implementations agree on"],
    ["never", "Must not", "a rule forbids it; press it to see what a faulty endpoint brings about"],
  ];
  /** @type {Map<string, any>} */
  const rows = new Map(machine.rules.map((/** @type {any} */ row) => [row.id, row]));
  /** @type {any} */
  let history = null;
  /** @type {any} */
  let world = null;
  /** @type {Record<string, any>} */
  const drafts = { c: null, s: null };

  /** @param {string} id @returns {HTMLElement} */
  function place(id) { return /** @type {HTMLElement} */ (document.getElementById(id)); }

  /**
   * An element with attributes and children.
   * @param {string} tag @param {Record<string, any>} attributes @param {...(Node | string | null)} children
   * @returns {HTMLElement}
   */
  function make(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") { made.addEventListener(name, value); } else if (value === true) { made.setAttribute(name, ""); }
      else if (value !== false && value !== null) { made.setAttribute(name, value); }
    }
    for (const child of children) { if (child !== null) { made.append(child); } }
    return made;
  }

  // --- the history ----------------------------------------------------------------------------------------------------

  /** @param {any} action */
  function press(action) {
    history.actions.push(action);
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
    if (history.broken && !root.wsoracleBroken) { loadScript("broken.js", show); } else { show(); }
  }

  /** Load a script that lies beside the page. @param {string} name @param {() => void} then */
  function loadScript(name, then) {
    const script = document.createElement("script");
    script.src = name;
    script.onload = then;
    document.head.append(script);
  }

  function undo() {
    history.actions.pop();
    go();
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
    found.push(["text “Hello”", frame(1, text("Hello"))], ["first fragment of a text, “Hel”", frame(1, text("Hel"), { fin: false })]);
    if (state.send_type) { found.push(["next fragment, “lo”", frame(0, text("lo"), { fin: false })]); }
    found.push(["last fragment, “lo”", frame(0, text("lo"))], ["binary message of 2 octets", frame(2, [1, 2])],
      ["Ping", frame(9, text("hi"))], ["Pong that nobody asked for", frame(10, text("so"))],
      ["Close 1000, normal closure", close(1000)], ["Close without a code", frame(8, [])], ["close TCP", { type: "end" }],
      [masked ? "text that is not masked" : "text that is masked", wire.frame(1, text("Hello"), !masked)],
      ["frame of reserved opcode 3", frame(3, [])], ["text with RSV1 set", frame(1, text("Hello"), { rsv: [true, false, false] })],
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

  /** The rules in force: ours, or those that a reader has broken. @returns {any} */
  function rules() { return root.wsoracleBroken ? root.wsoracleBroken.rules(history.broken) : undefined; }

  /** @param {[string, string][]} because */
  function reasons(because) {
    return make("ul", { class: "reasons" }, ...because.map(([word, id]) => reason(word, id)));
  }

  /** @param {string} word @param {string} id */
  function reason(word, id) {
    const row = rows.get(id);
    return make("li", {}, `${word} `, ruleLink(id), " ", row ? make("span", { class: "strength" }, row.strength) : null,
      row ? make("q", {}, row.quote) : null);
  }

  /** @param {string} id */
  function ruleLink(id) {
    const code = make("code", {}, id), row = rows.get(id);
    return row && row.page ? make("a", { href: `${row.page}#${id}` }, code) : code;
  }

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
    return box;
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
    for (const [name, title, meaning] of GROUPS) {
      if (!found[name]) { continue; }
      const items = found[name];
      if (name === "must" || name === "should" || name === "may") { box.append(section(title, meaning, items)); continue; }
      box.append(make("details", { class: "group", "data-keep": `${who}-${name}` }, make("summary", {}, `${title} (${items.length})`),
        make("p", { class: "small" }, meaning), make("ul", { class: "choices" }, ...items)));
    }
    return box;
  }

  // --- a frame or a head from its fields ------------------------------------------------------------------------------

  /** @param {"c" | "s"} who */
  function form(who) {
    const end = world.ends[who];
    if (!end.state.tcp_open) { return null; }
    const box = make("details", { class: "group form", "data-keep": `${who}-form` },
      make("summary", {}, end.state.handshake ? "Any head, by its facts" : "Any frame, by its fields"));
    const body = make("div", {});
    box.append(body);
    const fill = () => { if (/** @type {HTMLDetailsElement} */ (box).open && !body.firstChild) { body.append(end.state.handshake ? headForm(who) : frameForm(who)); } };
    box.addEventListener("toggle", fill);
    return box;
  }

  /** @param {string} words @param {HTMLElement} field */
  function labelled(words, field) { return make("label", {}, make("span", {}, words), field); }

  /** @param {[string, string][]} options @param {string} chosen @param {string} name */
  function select(options, chosen, name) {
    return /** @type {HTMLSelectElement} */ (make("select", { name }, ...options.map(([value, words]) =>
      make("option", { value, selected: value === chosen }, words))));
  }

  /** @param {"c" | "s"} who */
  function frameForm(who) {
    const draft = drafts[who] || (drafts[who] = { opcode: "1", fin: true, rsv1: false, rsv2: false, rsv3: false, masked: who === "c",
      form: "", kind: "text", payload: "Hello", code: "1000" });
    const opcodes = Array.from({ length: 16 }, (_, at) => /** @type {[string, string]} */ ([String(at), `${at.toString(16).toUpperCase()}: ${wire.opcodeName(at)}`]));
    const result = make("div", { class: "draft" });
    const fields = make("div", { class: "fields-form", input: () => { read(); preview(); }, change: () => { read(); preview(); } });
    /** @param {string} name @param {string} words */
    const tick = (name, words) => labelled(words, make("input", { type: "checkbox", name, checked: Boolean(draft[name]) }));
    const given = Object.keys(known.first.frame).filter((name) => typeof known.first.frame[name] === "boolean"
      && !["fin", "rsv1", "rsv2", "rsv3", "masked", "reason_ok", "answers"].includes(name));
    fields.append(labelled("Opcode", select(opcodes, draft.opcode, "opcode")), tick("fin", "FIN"), tick("rsv1", "RSV1"), tick("rsv2", "RSV2"),
      tick("rsv3", "RSV3"), tick("masked", "MASK"),
      labelled("Length", select([["", "in the shortest form"], ["1", "in 16 bits"], ["2", "in 64 bits"]], draft.form, "form")),
      labelled("Status code of a Close", make("input", { name: "code", inputmode: "numeric", size: "6", value: draft.code })),
      labelled("Payload, or reason", make("input", { name: "payload", value: draft.payload, autocomplete: "off" })),
      labelled("The payload is", select([["text", "text"], ["hex", "octets in hex"], ["letters", "that many letters a"]], draft.kind, "kind")),
      ...given.map((name) => tick(name, known.variables[name].meaning)));
    function read() {
      for (const field of fields.querySelectorAll("input, select")) {
        const one = /** @type {HTMLInputElement} */ (field);
        draft[one.name] = one.type === "checkbox" ? one.checked : one.value;
      }
    }
    function preview() { result.replaceChildren(...previewed(who, unitOf(draft, given))); }
    preview();
    return make("div", {}, fields, result);
  }

  /** The frame of the fields, or words for what is wrong. @param {any} draft @param {string[]} given @returns {any} */
  function unitOf(draft, given) {
    const opcode = Number(draft.opcode);
    let payload = wire.octetsOfText(draft.payload), fill = 0n;
    if (draft.kind === "hex") {
      payload = wire.unhex(draft.payload);
      if (!payload) { return "Octets in hex are pairs of digits, such as 48 65 6c."; }
    } else if (draft.kind === "letters") {
      if (!/^\d{1,20}$/.test(draft.payload)) { return "Write a number: how many letters."; }
      payload = [];
      fill = BigInt(draft.payload);
    }
    if (opcode === 8 && draft.code !== "") {
      if (!/^\d{1,5}$/.test(draft.code) || Number(draft.code) > 65535) { return "A status code is a number up to 65535, or nothing."; }
      payload = [Number(draft.code) >> 8, Number(draft.code) & 255, ...payload];
    }
    const more = { fin: draft.fin, rsv: [draft.rsv1, draft.rsv2, draft.rsv3], fill, given: given.filter((name) => draft[name]) };
    const unit = wire.frame(opcode, payload, draft.masked, more), shortest = unit.form;
    if (shortest < 0) { return "No length form holds so many octets."; }
    if (draft.form) { unit.form = Number(draft.form); }
    if (unit.form < shortest) { return "That form is too short for this length."; }
    return unit;
  }

  /** @param {"c" | "s"} who */
  function headForm(who) {
    const type = who === "c" ? "request" : "response";
    const facts = Object.assign({}, known.first[type]);
    const result = make("div", { class: "draft" });
    const fields = make("div", { class: "fields-form", change: () => { read(); preview(); } });
    for (const [name, value] of Object.entries(facts)) {
      const variable = known.variables[name];
      /** @type {[string, string][]} */
      const options = typeof value === "boolean" ? [["1", "yes"], ["0", "no"]] : Object.entries(variable.labels || {});
      const field = options.length ? select(options, String(Number(value)), name) : make("input", { name, inputmode: "numeric", size: "4", value: String(value) });
      fields.append(labelled(name, field));
      field.title = variable.meaning;
    }
    function read() {
      for (const field of fields.querySelectorAll("input, select")) {
        const one = /** @type {HTMLInputElement} */ (field);
        facts[one.name] = typeof facts[one.name] === "boolean" ? one.value === "1" : Number(one.value);
      }
    }
    function preview() { result.replaceChildren(...previewed(who, { type, facts: Object.assign({}, facts) })); }
    preview();
    return make("div", {}, fields, result);
  }

  /** @param {"c" | "s"} who @param {any} unit @returns {HTMLElement[]} */
  function previewed(who, unit) {
    if (typeof unit === "string") { return [make("p", { role: "status" }, unit)]; }
    if (!story.canSend(world, who, unit)) { return [make("p", { role: "status" }, "No octets have these facts together, or not now.")]; }
    const { group, because } = judged(world.ends[who], unit);
    const title = (GROUPS.find((one) => one[0] === group) || [])[1];
    const parts = unit.type === "frame" ? [octets(unit)] : [];
    return [...parts, make("p", { role: "status" }, history.facing === who ? "You may send anything." : `${title}: `), history.facing === who ? make("span", {}) : reasons(because),
      make("button", { type: "button", class: "do", click: () => press({ who, does: "send", unit }) }, "Send it")];
  }

  // --- what is shown --------------------------------------------------------------------------------------------------

  /** A frame, its octets with a colour for each field and the fields below. @param {any} unit */
  function octets(unit) {
    const parts = wire.partsOf(unit);
    /** @param {any} one */
    const span = (one) => make("span", { class: `o ${one.colour}` }, (wire.hex(one.octets).match(/../g) || []).join(" "), one.more ? ` … ${one.more} more` : "");
    const lines = parts.map((/** @type {any} */ one) => make("tr", {}, make("td", {}, span(one)), make("th", { scope: "row" }, one.field), make("td", {}, one.meaning)));
    const head = make("thead", {}, make("tr", {}, ...["octets", "field", "meaning"].map((name) => make("th", { scope: "col" }, name))));
    return make("div", { class: "unit" }, make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "The frame, field by field" },
      make("table", { class: "fields" }, head, make("tbody", {}, ...lines))));
  }

  /** @param {any} unit */
  function chip(unit) {
    if (unit.type !== "frame") { return null; }
    const shown = wire.partsOf(unit).map((/** @type {any} */ one) => make("span", { class: `o ${one.colour}` },
      (wire.hex(one.octets.slice(0, 8)).match(/../g) || []).join(" "), one.octets.length > 8 || one.more ? "…" : ""));
    return make("span", { class: "octets" }, ...shown);
  }

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
      box.append(make("p", { class: "small" }, "You are this end: no rule keeps you from anything. What comes to you is listed in the middle."));
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
    const any = form(who);
    if (any) { box.append(any); }
    for (const one of box.querySelectorAll("details[data-keep]")) { /** @type {HTMLDetailsElement} */ (one).open = kept.has(/** @type {HTMLElement} */ (one).dataset.keep); }
  }

  /** The state in the words of section 7.1, and what is owed. @param {any} end */
  function stateOf(end) {
    const due = machine.owed(end.setting, end.state, rules());
    const names = [...new Set(due.map((/** @type {any} */ one) => known.dues[one.due]))];
    const variables = Object.keys(known.first.open).map((name) => make("div", { class: end.state[name] === known.first.open[name] ? "" : "changed" },
      make("dt", {}, known.variables[name].meaning), make("dd", {}, story.valueWords(name, end.state[name]))));
    return make("div", { class: "state" }, make("p", {}, make("strong", {}, story.stateWords(end.state))),
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
      step.unit && step.unit.type === "frame" && step.does === "send" ? octets(step.unit) : make("span", {}));
  }

  function log() {
    const items = world.steps.map((/** @type {any} */ step) => make("li", { class: `${step.who} ${step.broken ? "broken" : ""}` },
      make("span", {}, `${step.who ? `${ROLES[step.who]} ` : ""}${step.words}${step.takes ? ` (${step.takes})` : ""}`),
      make("span", { class: "small" }, ` ${step.outcome}`)));
    place("explorer-log").replaceChildren(...items);
    place("explorer-count").textContent = `${world.steps.length} step${world.steps.length === 1 ? "" : "s"}`;
    /** @type {HTMLButtonElement} */ (place("explorer-undo")).disabled = !history.actions.length;
    const text = history.actions.length !== world.steps.length ? "The history ends where it cannot go on." : "";
    if (text) { place("explorer-wrong").textContent = text; }
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
    SIDES.forEach(endpoint);
    place("explorer-middle").replaceChildren(channel("s"), channel("c"), make("button", { type: "button", class: "small", click: () => press({ who: "", does: "cut" }) }, "Cut the connection"));
    last();
    log();
    document.querySelectorAll(".explorer").forEach((one) => one.classList.add("ready"));
    /** @type {HTMLSelectElement} */ (place("explorer-start")).value = history.start;
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
    const field = /** @type {HTMLSelectElement} */ (place("explorer-preset"));
    const load = () => {
      field.removeEventListener("focus", load);
      field.removeEventListener("pointerdown", load);
      loadScript("presets.js", () => {
        for (const [title, histories] of root.wsoraclePresets) {
          field.append(make("optgroup", { label: title }, ...histories.map((/** @type {[string, string]} */ one) => make("option", { value: one[1] }, one[0]))));
        }
        field.dataset.ready = "yes";
      });
    };
    field.addEventListener("focus", load);
    field.addEventListener("pointerdown", load);
    field.addEventListener("change", () => {
      const found = field.value && story.read(field.value);
      if (found) { history = found; go(); }
      field.value = "";
    });
  }

  /** @param {string} text */
  function capital(text) { return text.charAt(0).toUpperCase() + text.slice(1); }
  /** @param {string} words */
  function an(words) { return /^(the|a|an) /.test(words) ? words : `the ${words}`; }

  function begin() {
  place("explorer-undo").addEventListener("click", undo);
  place("explorer-anew").addEventListener("click", () => { history.actions = []; go(); });
  place("explorer-start").addEventListener("change", (event) => {
    history = Object.assign(story.read("open"), { start: /** @type {any} */ (event.target).value, facing: history.facing, changes: history.changes });
    go();
  });
  place("explorer-facing").addEventListener("change", (event) => { history.facing = /** @type {any} */ (event.target).value; history.actions = []; go(); });
  settings();
  presets();
  root.addEventListener("hashchange", fromAddress);
  fromAddress();
  }
  begin();
})(globalThis);
