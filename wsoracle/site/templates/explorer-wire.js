// Units on the wire: frames from fields to octets and to the facts that rules see, heads by their facts.
// @ts-check
/**
 * A frame: its fields, and its payload before masking: `head`, then `fill` times the letter a, then `tail`.
 * @typedef {{type: "frame", opcode: number, fin: boolean, rsv: boolean[], form: number, key: number[] | null,
 *   head: number[], fill: bigint, tail: number[], given: string[]}} FrameUnit
 * @typedef {{type: "request" | "response", facts: Record<string, boolean | number | bigint>}} HeadUnit
 * @typedef {{type: "end"}} EndUnit
 * @typedef {FrameUnit | HeadUnit | EndUnit} Unit
 * @typedef {{octets: number[], more: bigint, colour: string, field: string, meaning: string}} Part
 */
(function (/** @type {any} */ root) {
  "use strict";
  const known = root.wsoracleRules, UTF8 = known.utf8, LETTER = 0x61;
  const FORMS = [{ most: 125n, octets: 0 }, { most: 65535n, octets: 2 }, { most: (1n << 64n) - 1n, octets: 8 }];
  const KEY = [0x37, 0xfa, 0x21, 0x3d];
  const DATA = [0, 1], CLOSE = 8;

  /** Where the automaton of UTF-8 is after octets. @param {number[]} octets @param {number} state */
  function utf8(octets, state) {
    for (const octet of octets) {
      const row = UTF8.rows.find((/** @type {number[]} */ r) => r[0] === state && r[1] <= octet && octet <= r[2]);
      state = row ? row[3] : UTF8.reject;
    }
    return state;
  }

  /** @param {FrameUnit} unit @returns {bigint} */
  function lengthOf(unit) { return BigInt(unit.head.length) + unit.fill + BigInt(unit.tail.length); }

  /** The shortest form that holds a length. @param {bigint} length */
  function minimal(length) { return FORMS.findIndex((form) => length <= form.most); }

  /**
   * The first octets of a payload, as many as there are and are asked for.
   * @param {FrameUnit} unit @param {number} most @returns {number[]}
   */
  function payloadOf(unit, most) {
    const letters = unit.fill < BigInt(most) ? Number(unit.fill) : most;
    return unit.head.concat(Array(letters).fill(LETTER), unit.tail).slice(0, most);
  }

  /**
   * The facts of a frame; `before` is where the automaton is before it, null where it carries no text.
   * @param {FrameUnit} unit @param {number | null} before @returns {Record<string, boolean | number | bigint>}
   */
  function factsOf(unit, before) {
    const length = lengthOf(unit), found = Object.assign({}, known.first.frame, {
      opcode: unit.opcode, fin: unit.fin, rsv1: unit.rsv[0], rsv2: unit.rsv[1], rsv3: unit.rsv[2],
      masked: unit.key !== null, form: unit.form, length,
    });
    const payload = shortened(unit);
    if (unit.opcode === CLOSE && length >= 2n) {
      found.code = payload[0] * 256 + payload[1];
      found.reason_ok = utf8(payload.slice(2), UTF8.accept) === UTF8.accept;
    } else if (DATA.includes(unit.opcode) && before !== null) {
      found.utf8_next = utf8(payload, before);
    }
    for (const name of unit.given) { found[name] = true; }
    return found;
  }

  /** A payload with a few letters in the place of the fill: more lead the automaton nowhere else. @param {FrameUnit} unit */
  function shortened(unit) {
    const letters = unit.fill < 4n ? Number(unit.fill) : 4;
    return unit.head.concat(Array(letters).fill(LETTER), unit.tail);
  }

  /** @param {number[]} octets @param {number[] | null} key @param {bigint} from */
  function mask(octets, key, from) {
    return key ? octets.map((octet, at) => octet ^ /** @type {number[]} */ (key)[Number((from + BigInt(at)) % 4n)]) : octets;
  }

  /** A number in network byte order. @param {bigint} number @param {number} count @returns {number[]} */
  function big(number, count) {
    return Array.from({ length: count }, (_, at) => Number((number >> BigInt(8 * (count - 1 - at))) & 255n));
  }

  /**
   * A frame field by field; of a payload at most 64 octets, `more` is how many there are besides. A compressed one has a last
   * part that does not cross: what it inflates to.
   * @param {FrameUnit} unit @param {number[] | null} [inflated] @returns {Part[]}
   */
  function partsOf(unit, inflated = null) {
    const length = lengthOf(unit), form = FORMS[unit.form];
    const bits = [unit.fin, ...unit.rsv].reduce((sum, bit, at) => sum | (bit ? 0x80 >> at : 0), 0);
    const names = ["RSV1", "RSV2", "RSV3"].filter((_, at) => unit.rsv[at]);
    const seven = form.octets ? 125 + unit.form : Number(length);
    const parts = [
      part([bits | unit.opcode], "first", "FIN, RSV, opcode",
        [unit.fin ? "FIN" : "no FIN: more follows", ...names, opcodeName(unit.opcode)].join(", ")),
      part([(unit.key ? 0x80 : 0) | seven], "second", "MASK, length",
        `${unit.key ? "masked" : "not masked"}, ${form.octets ? `the length is in the next ${form.octets} octets` : octetCount(length)}`),
    ];
    if (form.octets) {
      const shorter = minimal(length) < unit.form ? ", for which a shorter form would do" : "";
      parts.push(part(big(length, form.octets), "length", "extended length", octetCount(length) + shorter));
    }
    if (unit.key) { parts.push(part(unit.key, "key", "masking key", "")); }
    const shown = payloadOf(unit, 64), sent = mask(shown, unit.key, 0n);
    const code = unit.opcode === CLOSE && shown.length >= 2 ? 2 : 0;
    if (code) { parts.push(part(sent.slice(0, 2), "code", "status code", codeWords(shown[0] * 256 + shown[1]))); }
    if (shown.length > code) {
      const words = inflated ? `DEFLATE data: ${deflateWords(length, inflated)}` : textOf(shown.slice(code));
      const rest = part(sent.slice(code), "payload", code ? "reason" : inflated ? "payload, compressed" : "payload", words);
      rest.more = length - BigInt(shown.length);
      parts.push(rest);
    }
    if (inflated) {
      const beginning = inflated.slice(0, 64), said = part(beginning, "inflated", "inflated", inflated.length ? textOf(beginning) : "nothing comes out");
      said.more = BigInt(inflated.length - beginning.length);
      parts.push(said);
    }
    return parts;
  }

  /** @param {number[]} octets @param {string} colour @param {string} field @param {string} meaning @returns {Part} */
  function part(octets, colour, field, meaning) { return { octets, colour, field, meaning, more: 0n }; }

  /** @param {bigint} length @param {number[]} inflated */
  function deflateWords(length, inflated) { return `${octetCount(length)} that come to ${octetCount(BigInt(inflated.length))}`; }

  /** @param {bigint} length */
  function octetCount(length) { return `${length} octet${length === 1n ? "" : "s"}`; }

  /** @param {number} code */
  function codeWords(code) {
    const row = known.codes.find((/** @type {any[]} */ one) => one[0] <= code && code <= one[1]);
    return `${code}: ${row ? row[2] : "nothing defines it"}`;
  }

  /** Octets as people read them: as text where they are some. @param {number[]} octets */
  function textOf(octets) {
    if (utf8(octets, UTF8.accept) === UTF8.reject) { return "no text"; }
    return JSON.stringify(new TextDecoder().decode(new Uint8Array(octets)));
  }

  /** @param {number} opcode */
  function opcodeName(opcode) { return known.frames[opcode] || `opcode ${opcode}, which is reserved`; }

  /** @param {string} text @returns {number[]} */
  function octetsOfText(text) { return [...new TextEncoder().encode(text)]; }
  /** @param {number[]} octets */
  function hex(octets) { return octets.map((one) => one.toString(16).padStart(2, "0")).join(""); }
  /** @param {string} text @returns {number[] | null} */
  function unhex(text) {
    const digits = text.replace(/\s/g, "");
    if (!/^([0-9a-fA-F]{2})*$/.test(digits)) { return null; }
    return (digits.match(/../g) || []).map((two) => parseInt(two, 16));
  }

  /**
   * A frame with these fields; the length takes its shortest form.
   * @param {number} opcode @param {number[]} payload @param {boolean} masked @param {Partial<FrameUnit>} [more]
   * @returns {FrameUnit}
   */
  function frame(opcode, payload, masked, more = {}) {
    const made = Object.assign({
      type: "frame", opcode, fin: true, rsv: [false, false, false], form: 0, key: masked ? KEY : null,
      head: payload, fill: 0n, tail: [], given: [],
    }, more);
    if (more.form === undefined) { made.form = minimal(lengthOf(/** @type {FrameUnit} */ (made))); }
    return /** @type {FrameUnit} */ (made);
  }

  // --- as text, for the address ---------------------------------------------------------------------------------------

  /** @param {Unit} unit @returns {string} */
  function write(unit) {
    if (unit.type === "end") { return "end"; }
    if (unit.type !== "frame") {
      const sound = known.first[unit.type];
      const changed = Object.keys(sound).filter((name) => unit.facts[name] !== sound[name]);
      return [unit.type, ...changed.map((name) => `${name}=${Number(unit.facts[name])}`)].join(".");
    }
    const bits = unit.rsv.map((bit, at) => (bit ? at + 1 : "")).join("");
    const form = unit.form === minimal(lengthOf(unit)) ? "" : "sxy"[unit.form];
    const fill = unit.fill ? `*${unit.fill}*${hex(unit.tail)}` : "";
    const first = unit.opcode.toString(16) + (unit.fin ? "f" : "") + (bits && `r${bits}`) + form;
    return [first, unit.key ? hex(unit.key) : "-", hex(unit.head) + fill, ...unit.given].join(".");
  }

  /** The unit that a text stands for; null where it stands for none. @param {string} text @returns {Unit | null} */
  function read(text) {
    const [first, ...rest] = text.split(".");
    if (first === "end") { return rest.length ? null : { type: "end" }; }
    if (first === "request" || first === "response") { return readHead(first, rest); }
    const found = /^([0-9a-f])(f?)(?:r(1?2?3?))?([sxy]?)$/.exec(first);
    const payload = /^((?:[0-9a-f]{2})*)(?:\*(\d{1,20})\*((?:[0-9a-f]{2})*))?$/.exec(rest[1] || "");
    if (!found || !payload || rest.length < 2 || !/^(-|[0-9a-f]{8})$/.test(rest[0])) { return null; }
    const given = rest.slice(2);
    if (given.some((name) => typeof known.first.frame[name] !== "boolean")) { return null; }
    const unit = frame(parseInt(found[1], 16), /** @type {number[]} */ (unhex(payload[1])), false, {
      fin: found[2] === "f", rsv: [1, 2, 3].map((bit) => (found[3] || "").includes(String(bit))),
      key: rest[0] === "-" ? null : unhex(rest[0]), fill: BigInt(payload[2] || 0), tail: unhex(payload[3] || "") || [], given,
    });
    if (found[4]) { unit.form = "sxy".indexOf(found[4]); }
    const length = lengthOf(unit);
    return unit.form >= 0 && length <= FORMS[2].most && length <= FORMS[unit.form].most ? unit : null;
  }

  /** @param {"request" | "response"} type @param {string[]} changes @returns {Unit | null} */
  function readHead(type, changes) {
    const facts = Object.assign({}, known.first[type]);
    for (const change of changes) {
      const [name, value] = change.split("=");
      if (!(name in facts) || !/^\d{1,3}$/.test(value || "")) { return null; }
      const bounds = known.variables[name];
      if (typeof facts[name] === "boolean") { facts[name] = value === "1"; continue; }
      if (Number(value) < Number(bounds.low) || Number(value) > Number(bounds.high)) { return null; }
      facts[name] = Number(value);
    }
    return { type, facts };
  }

  root.wsoracleWire = {
    KEY, factsOf, frame, hex, lengthOf, minimal, most: FORMS.map((form) => form.most), octetsOfText, opcodeName, partsOf,
    payloadOf, read, unhex, utf8, write,
  };
})(globalThis);
