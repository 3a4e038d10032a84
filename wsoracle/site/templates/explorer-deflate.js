// DEFLATE (RFC 1951) as permessage-deflate has it (RFC 7692): what a compressed message inflates to, and what it is made of.
// As model/octets/deflate.py reads it; what is sent from fields is written in one block with the fixed codes.
// @ts-check
/**
 * What is remembered of the messages of one direction: the octets that later ones may refer to, the payload of the
 * message in progress, how many octets it came to, and what was lost ("" for nothing).
 * @typedef {{past: number[], message: number[], given: number, lost: "" | "cut" | "all"}} Context
 * @typedef {{table: Map<number, number>, longest: number}} Code
 * @typedef {{inflated: number, distance: number, reach: number, damage: number}} Measured
 */
(function (/** @type {any} */ root) {
  "use strict";
  const WINDOW = 32768, END = 256, ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
  const TAIL = [0, 0, 0xff, 0xff], NONE = 0, EMPTY = 1, UNENDED = 2, CUT = 3, MALFORMED = 4;
  const LENGTHS = [...ranges([0, 0, 0, 0, 0, 0, 0, 0, ...[1, 2, 3, 4, 5].flatMap((n) => [n, n, n, n])], 3), [0, 258]];
  const DISTANCES = ranges([0, 0, 0, 0, ...Array.from({ length: 13 }, (_, n) => [n + 1, n + 1]).flat()], 1);

  /** @param {number[]} bits @param {number} first @returns {number[][]} */
  function ranges(bits, first) { return bits.map((extra) => { const least = first; first += 1 << extra; return [extra, least]; }); }

  /** The code of these lengths; null where they make none. @param {number[]} lengths @param {boolean} [single] @returns {Code | null} */
  function codeOf(lengths, single = true) {
    const longest = Math.max(...lengths), table = new Map();
    let free = 1, code = 0;
    for (let bits = 1; bits <= longest; bits += 1) {
      free = 2 * free - lengths.filter((one) => one === bits).length;
      if (free < 0) { return null; }
    }
    if (free > 0 && !(longest <= 1 && single)) { return null; }
    for (let bits = 1; bits <= longest; bits += 1) {
      code <<= 1;
      lengths.forEach((one, symbol) => { if (one === bits) { table.set((1 << bits) | code, symbol); code += 1; } });
    }
    return { table, longest };
  }
  /** @param {number} value @param {number} times */
  const row = (value, times) => Array(times).fill(value);
  const FIXED_LENGTHS = [...row(8, 144), ...row(9, 112), ...row(7, 24), ...row(8, 8)];
  const FIXED = [/** @type {Code} */ (codeOf(FIXED_LENGTHS)), /** @type {Code} */ (codeOf(row(5, 32)))];

  /** Thrown where a message cannot be read on: `lost` but where its octets ran out. */
  class Stop { /** @param {number} damage @param {boolean} [lost] */ constructor(damage, lost = true) { this.damage = damage; this.lost = lost; } }

  /**
   * Read octets to their end, or to where nothing can be read on. At most `most` octets come out.
   * @param {number[]} octets @param {number[]} past @param {number} most
   */
  function read(octets, past, most) {
    const out = past.slice(), start = out.length;
    const found = { out, start, distance: 0, reach: 0, between: true, final: false, damage: NONE, lost: false, tooLong: false };
    let at = 0, hold = 0, count = 0;
  /** @param {number} number */
    function bits(number) {
      let value = 0;
      for (let bit = 0; bit < number; bit += 1) {
        if (!count) {
          if (at >= octets.length) { throw new Stop(NONE, false); }
          hold = octets[at]; at += 1; count = 8;
        }
        value |= (hold & 1) << bit;
        hold >>= 1; count -= 1;
      }
      return value;
    }
    /** @param {Code} code */
    function symbol(code) {
      let known = 1;
      for (let length = 0; length < code.longest; length += 1) {
        known = (known << 1) | bits(1);
        const one = code.table.get(known);
        if (one !== undefined) { return one; }
      }
      throw new Stop(MALFORMED);
    }
    /** @param {number} octet */
    function put(octet) {
      if (out.length - start >= most) { found.tooLong = true; throw new Stop(NONE); }
      out.push(octet);
    }
    /** @param {number} index @param {number[][]} table */
    function amount(index, table) {
      if (index >= table.length) { throw new Stop(MALFORMED); }
      return table[index][1] + bits(table[index][0]);
    }
    function stored() {
      count = 0;
      const left = bits(16);
      if ((left ^ bits(16)) !== 0xffff) { throw new Stop(MALFORMED); }
      for (let one = 0; one < left; one += 1) { put(bits(8)); }
    }
    /** @returns {Code[]} */
    function codes() {
      const literals = 257 + bits(5), distances = 1 + bits(5), listed = 4 + bits(4);
      if (literals > 286 || distances > 30) { throw new Stop(MALFORMED); }
      const ofLengths = row(0, ORDER.length), lengths = /** @type {number[]} */ ([]);
      for (const one of ORDER.slice(0, listed)) { ofLengths[one] = bits(3); }
      const code = codeOf(ofLengths, false);
      if (!code) { throw new Stop(MALFORMED); }
      while (lengths.length < literals + distances) {
        const one = symbol(code);
        if (one < 16) { lengths.push(one); continue; }
        if (one === 16 && !lengths.length) { throw new Stop(MALFORMED); }
        const [extra, least] = [[2, 3], [3, 3], [7, 11]][one - 16], times = least + bits(extra);
        lengths.push(...row(one === 16 ? lengths[lengths.length - 1] : 0, times));
      }
      const pair = [codeOf(lengths.slice(0, literals)), codeOf(lengths.slice(literals))];
      if (lengths.length > literals + distances || !lengths[END] || !pair[0] || !pair[1]) { throw new Stop(MALFORMED); }
      return /** @type {Code[]} */ (pair);
    }
    /** @param {Code[]} pair */
    function compressed([literals, distances]) {
      for (let one = symbol(literals); one !== END; one = symbol(literals)) {
        if (one < END) { put(one); continue; }
        const length = amount(one - END - 1, LENGTHS), distance = amount(symbol(distances), DISTANCES);
        found.distance = Math.max(found.distance, distance);
        found.reach = Math.max(found.reach, distance - (out.length - start));
        if (distance > Math.min(out.length, WINDOW)) { throw new Stop(NONE); }
        for (let copied = 0; copied < length; copied += 1) { put(out[out.length - distance]); }
      }
    }
    try {
      for (;;) {
        const final = bits(1) === 1;
        found.between = false;
        const kind = bits(2);
        if (kind === 3) { throw new Stop(MALFORMED); }
        if (kind === 0) { stored(); } else { compressed(kind === 1 ? FIXED : codes()); }
        if (final) { count = 0; }
        found.final = final;
        found.between = true;
      }
    } catch (stop) {
      if (!(stop instanceof Stop)) { throw stop; }
      found.lost = stop.lost;
      found.damage = stop.damage;
    }
    return found;
  }

  /** @returns {Context} */
  function fresh() { return { past: [], message: [], given: 0, lost: "" }; }

  /**
   * The next frame of a compressed message: what is measured of the message up to its end, what the frame inflates to, and
   * the context behind it.
   * @param {Context} context @param {number[]} payload @param {boolean} first @param {boolean} fin @param {boolean} takeover
   * @param {number} most the octets that a message may come to
   * @returns {{measured: Measured, piece: number[], lost: boolean, after: Context}}
   */
  function next(context, payload, first, fin, takeover, most) {
    const message = first ? payload : context.message.concat(payload), given = first ? 0 : context.given;
    if (context.lost) {
      const damage = context.lost === "all" ? MALFORMED : fin ? CUT : NONE;
      return { measured: { inflated: 0, distance: 0, reach: 0, damage }, piece: [], lost: damage !== NONE, after: context };
    }
    let found = read(message, context.past, most), damage = found.damage;
    if (fin && !found.lost) {
      if (!message.length) { damage = EMPTY; } else if (found.between && found.final) { damage = UNENDED; } else {
        found = read(message.concat(TAIL), context.past, most);
        damage = found.lost || found.between ? found.damage : CUT;
      }
    }
    const length = found.out.length - found.start, lost = found.lost || damage === CUT;
    const after = Object.assign({}, context, { message, given: length });
    if (fin) { Object.assign(after, { past: found.out.slice(-WINDOW), message: [], given: 0, lost: !lost || !takeover ? "" : damage === CUT ? "cut" : "all" }); }
    const measured = { inflated: length + Number(found.tooLong), distance: found.distance, reach: found.reach, damage };
    return { measured, piece: found.out.slice(found.start + given), lost, after };
  }

  /** Octets as a compressed message: literals in a block with the fixed codes, and the beginning of an empty block. @param {number[]} octets @returns {number[]} */
  function deflate(octets) {
    const words = new Map([...FIXED[0].table].map(([known, symbol]) => [symbol, known.toString(2).slice(1)]));
    const bits = ["010", ...octets.map((one) => words.get(one)), words.get(END), "000"].join("");
    return (bits.match(/.{1,8}/g) || []).map((eight) => [...eight].reduce((sum, bit, at) => sum | (Number(bit) << at), 0));
  }

  root.wsoracleDeflate = { deflate, fresh, next };
})(globalThis);
