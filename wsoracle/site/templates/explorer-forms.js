// A frame or a head of the explorer from its fields: its octets, what the rules say of it, and a button that sends it.
// @ts-check
(function (/** @type {any} */ root) {
  "use strict";
  const known = root.wsoracleRules, wire = root.wsoracleWire, story = root.wsoracleHistory, deflate = root.wsoracleDeflate;
  const { labelled, make, octets, reasons, select } = root.wsoracleParts;
  /** @type {Record<string, any>} */
  const drafts = { c: null, s: null };
  /** What the explorer is at: the ends, who the reader is, what it says of a unit, and what sends one. @type {any} */
  let at = null;

  /** @param {"c" | "s"} who */
  function form(who) {
    const end = at.world.ends[who];
    if (!end.state.tcp_open) { return null; }
    const box = make("details", { class: "group form", "data-keep": `${who}-form` },
      make("summary", {}, end.state.handshake ? "Any head, by its facts" : "Any frame, by its fields"));
    const body = make("div", {});
    box.append(body);
    const fill = () => { if (/** @type {HTMLDetailsElement} */ (box).open && !body.firstChild) { body.append(end.state.handshake ? headForm(who) : frameForm(who)); } };
    box.addEventListener("toggle", fill);
    return box;
  }

  /** @param {"c" | "s"} who */
  function frameForm(who) {
    const draft = drafts[who] || (drafts[who] = { opcode: "1", fin: true, rsv1: false, rsv2: false, rsv3: false, masked: who === "c",
      form: "", kind: "text", payload: "Hello", code: "1000" });
    const opcodes = Array.from({ length: 16 }, (_, one) => /** @type {[string, string]} */ ([String(one), `${one.toString(16).toUpperCase()}: ${wire.opcodeName(one)}`]));
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
      labelled("The payload is", select([["text", "text"], ["deflate", "text, compressed: sets RSV1"], ["hex", "octets in hex"], ["letters", "that many letters a"]], draft.kind, "kind")),
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
    const compressed = draft.kind === "deflate", marked = compressed && (opcode === 1 || opcode === 2);
    if (compressed) { payload = deflate.deflate(payload); }
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
    const more = { fin: draft.fin, rsv: [draft.rsv1 || marked, draft.rsv2, draft.rsv3], fill, given: given.filter((name) => draft[name]) };
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
    if (!story.canSend(at.world, who, unit)) { return [make("p", { role: "status" }, "No octets have these facts together, or not now.")]; }
    const { title, because } = at.judged(who, unit), you = at.history.facing === who;
    const inflated = unit.type === "frame" ? story.sending(at.world.ends[who], unit).inflated : null;
    const parts = unit.type === "frame" ? [octets(unit, inflated ? inflated.piece : null)] : [];
    return [...parts, make("p", { role: "status" }, you ? "You may send anything." : `${title}: `), you ? make("span", {}) : reasons(because),
      make("button", { type: "button", class: "do", click: () => at.press({ who, does: "send", unit }) }, "Send it")];
  }

  root.wsoracleForms = {
    /** The form of an end. @param {"c" | "s"} who @param {any} explorer */
    form(who, explorer) { at = explorer; return form(who); },
  };
})(globalThis);
