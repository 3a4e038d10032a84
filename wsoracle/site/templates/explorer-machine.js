// What an endpoint may do: the step relation of model/machine/interpreted.py over the rows of rules.js.
// @ts-check
/**
 * @typedef {boolean | number | bigint} Value
 * @typedef {Record<string, Value>} Values
 * @typedef {{id: string, strength: string, on: string, word: string, quote: string, refuses: number, page?: string, unable?: number,
 *   code?: number, delivers?: string, outcome?: string, choice?: string, due?: string, soon?: number,
 *   when: (values: Values) => boolean, then: (values: Values) => Values}} Row
 * @typedef {{kind: string, code: number | null, delivers: string | null}} Label
 * @typedef {{label: Label, state: Values, rules: string[], strength: string, departs: string[], unable: boolean,
 *   row: Row}} Outcome
 * @typedef {{due: string, rule: Row}} Owed
 * @typedef {Row[]} Rows
 * @typedef {Record<string, Rows>} RuleSet
 */
(function (/** @type {any} */ root) {
  "use strict";
  const known = root.wsoracleRules;
  /** @type {Rows} */
  const all = known.rows;

  /** @param {Values} setting @param {Values} state @param {Values | null} facts @returns {Values} */
  function values(setting, state, facts) { return Object.assign({}, setting, state, facts); }

  /**
   * Rules by the kind of event that they are about.
   * @param {Rows} rows
   */
  function ruleSet(rows) {
    /** @type {Record<string, Rows>} */
    const found = {};
    for (const row of rows) { (found[row.on] = found[row.on] || []).push(row); }
    return found;
  }
  const ours = ruleSet(all);

  /** @param {string} strength */
  function rank(strength) { return known.strengths.indexOf(strength); }

  /** @param {Row} row @returns {Label} */
  function labelOf(row) {
    return { kind: row.word, code: row.code === undefined ? null : row.code, delivers: row.delivers || null };
  }

  /** @param {Row} row @param {Label} label */
  function hasLabel(row, label) {
    return row.word === label.kind && (row.code || null) === label.code && (row.delivers || null) === label.delivers;
  }

  /**
   * The outcomes of an event in a state, those that depart from the least first.
   * @param {string} kind @param {Values} setting @param {Values} state @param {Values | null} facts
   * @param {boolean} [departures] also those that break no MUST
   * @param {RuleSet} [rules] other rules than ours
   * @returns {Outcome[]}
   */
  function allowed(kind, setting, state, facts, departures = false, rules = ours) {
    const given = values(setting, state, facts), rows = rules[kind] || [];
    const refusals = rows.filter((row) => row.refuses && row.when(given));
    /** @type {Outcome[]} */
    const found = [];
    let before = -1;
    for (const strengths of departures ? known.levels : known.levels.slice(0, 1)) {
      const kept = refusals.filter((row) => strengths.includes(row.strength));
      if (kept.length === before) { continue; }
      before = kept.length;
      given.legal = kept.length === 0;
      const left = refusals.filter((row) => !kept.includes(row)).map((row) => row.id);
      const here = rows.filter((row) => row.word !== "forbid" && (row.refuses ? kept.includes(row) : row.when(given)));
      const fresh = here.filter((row) => !found.some((one) => hasLabel(row, one.label)));
      while (fresh.length) {
        const label = labelOf(fresh[0]);
        const by = fresh.filter((row) => hasLabel(row, label));
        by.forEach((row) => fresh.splice(fresh.indexOf(row), 1));
        found.push(outcome(label, by, state, given, left));
      }
    }
    return found.sort((a, b) => byOrder(order(a), order(b)));
  }

  /** @param {Label} label @param {Row[]} by @param {Values} state @param {Values} given @param {string[]} departs */
  function outcome(label, by, state, given, departs) {
    const strength = by.map((row) => row.strength).sort((a, b) => rank(a) - rank(b))[0];
    const after = Object.assign({}, state, by[0].then(given));
    const unable = by.every((row) => row.unable);
    return { label, state: after, rules: by.map((row) => row.id), strength, departs, unable, row: by[0] };
  }

  /** @param {Outcome} one */
  function order(one) {
    const permitted = known.binding.includes(one.strength) ? 0 : 1;
    return [one.departs.length, one.unable ? 1 : 0, known.preference.indexOf(one.label.kind), permitted, one.label.code || 0];
  }

  /** @param {number[]} a @param {number[]} b */
  function byOrder(a, b) {
    const at = a.findIndex((value, place) => value !== b[place]);
    return at < 0 ? 0 : a[at] - b[at];
  }

  /**
   * The binding rows that refuse an event, the strongest first.
   * @param {string} kind @param {Values} setting @param {Values} state @param {Values | null} facts
   * @param {RuleSet} [rules]
   */
  function forbiddenBy(kind, setting, state, facts, rules = ours) {
    const given = values(setting, state, facts);
    const found = (rules[kind] || []).filter((row) => row.refuses && row.when(given));
    return found.sort((a, b) => rank(a.strength) - rank(b.strength));
  }

  /**
   * The answers that an endpoint owes, in the order in which it gives them.
   * @param {Values} setting @param {Values} state @param {RuleSet} [rules]
   */
  function owed(setting, state, rules = ours) {
    const names = Object.keys(known.dues), given = values(setting, state, null);
    return (rules.silence || []).filter((row) => row.word === "forbid" && row.due && !row.soon && row.when(given))
      .map((row) => ({ due: /** @type {string} */ (row.due), rule: row }))
      .sort((a, b) => names.indexOf(a.due) - names.indexOf(b.due));
  }

  /** What an output does of what is due, if it does any of it. @param {string} kind @param {Values | null} facts */
  function doneBy(kind, facts) {
    if (kind === "send" && facts) {
      if (facts.opcode === 8) { return "CLOSE"; }
      return facts.answers ? (facts.opcode === 10 ? "PONG" : "REPLY") : null;
    }
    return /** @type {Record<string, string>} */ (DOES)[kind] || null;
  }
  const DOES = { send_request: "REQUEST", send_response: "RESPONSE", close_tcp: "TCP_CLOSE" };

  /**
   * Whether octets can make an event of these facts happen at all.
   * @param {string} kind @param {Values} setting @param {Values} state @param {Values | null} facts @returns {boolean}
   */
  function possible(kind, setting, state, facts) { return known.possible[kind](values(setting, state, facts)); }

  /**
   * The failures that are certain once the header of a frame is there, whatever follows.
   * @param {Values} setting @param {Values} state @param {Values} header
   */
  function sureFailures(setting, state, header) {
    const given = values(setting, state, header);
    return all.filter((row) => row.id in known.sure && known.sure[row.id](given));
  }

  /** What could happen if no rule refused it. @param {string} kind @param {Values} setting @param {Values} state @param {Values | null} facts */
  function unrefused(kind, setting, state, facts) {
    return allowed(kind, setting, state, facts, false, { [kind]: ours[kind].filter((row) => !row.refuses) });
  }

  /** The state after an event that no rule allows, of an endpoint that lets it happen all the same.
   * @param {string} kind @param {Values} setting @param {Values} state @param {Values | null} facts */
  function anyway(kind, setting, state, facts) {
    const found = unrefused(kind, setting, state, facts);
    return found.length ? found[0].state : state;
  }

  /**
   * The state after something arrives, of an endpoint that takes it as it likes; null for a choice that there is not.
   * @param {string} kind @param {Values} setting @param {Values} state @param {Values | null} facts
   * @param {(label: Label) => boolean} chosen @returns {Values | null}
   */
  function against(kind, setting, state, facts, chosen) {
    const row = ours[kind].find((one) => one.word !== "forbid" && chosen(labelOf(one)));
    if (!row) { return null; }
    if (row.word === "accept") {
      const found = unrefused(kind, setting, state, facts).find((one) => one.label.kind === row.word);
      return found ? found.state : state;
    }
    return Object.assign({}, state, row.then(values(setting, state, facts)));
  }

  root.wsoracleMachine = { against, allowed, anyway, doneBy, forbiddenBy, labelOf, owed, possible, ruleSet, rules: all, sureFailures };
})(globalThis);
