// The parts that the explorer's page is made of: elements, fields, reasons, and octets with a colour for each field.
// @ts-check
(function (/** @type {any} */ root) {
  "use strict";
  const machine = root.wsoracleMachine, wire = root.wsoracleWire;
  /** @type {Map<string, any>} */
  const rows = new Map(machine.rules.map((/** @type {any} */ row) => [row.id, row]));

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

  /** @param {string} words @param {HTMLElement} field */
  function labelled(words, field) { return make("label", {}, make("span", {}, words), field); }

  /** @param {[string, string][]} options @param {string} chosen @param {string} name */
  function select(options, chosen, name) {
    return /** @type {HTMLSelectElement} */ (make("select", { name }, ...options.map(([value, words]) =>
      make("option", { value, selected: value === chosen }, words))));
  }

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

  /**
   * A frame, its octets with a colour for each field and the fields below; of a compressed one also what it inflates to.
   * @param {any} unit @param {number[] | null} [inflated]
   */
  function octets(unit, inflated = null) {
    const parts = wire.partsOf(unit, inflated);
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

  /** @param {string} text */
  function capital(text) { return text.charAt(0).toUpperCase() + text.slice(1); }
  /** @param {string} words */
  function an(words) { return /^(the|a|an) /.test(words) ? words : `the ${words}`; }


  /** Load a script that lies beside the page. @param {string} name @param {() => void} then */
  function loadScript(name, then) {
    const script = document.createElement("script");
    script.src = name;
    script.onload = then;
    script.onerror = () => {
      script.remove();
      place("explorer-wrong").textContent = `${name} was not found beside this page. Load the page again, or put all files of the site into one folder.`;
    };
    document.head.append(script);
  }

  root.wsoracleParts = { an, capital, chip, labelled, loadScript, make, octets, place, reasons, ruleLink, select };
})(globalThis);
