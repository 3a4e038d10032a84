// A history of two endpoints: what was pressed, what came of it, and the text of it that stands in the address.
// @ts-check
/**
 * @typedef {"c" | "s"} Side
 * @typedef {{who: Side | "", does: "send" | "take" | "begin" | "wait" | "cut", unit?: any, choice?: string, octets?: number}} Action
 * @typedef {{from: number, unit: any, words: string, begun: number}} Coming
 * @typedef {{setting: any, state: any, coming: Coming[], ping: string | null, echoes: string[], message: string[] | null,
 *   inside: string[], taken: any, sent: any}} Endpoint
 * @typedef {{number: number, who: Side | "", does: string, words: string, outcome: string, rules: string[],
 *   departs: string[], strength: string, broken: boolean, unit: any, takes: number, after: string, label: any, carried: number[] | null}} Step
 * @typedef {{ends: Record<Side, Endpoint>, steps: Step[]}} World
 * @typedef {{start: "open" | "connecting", facing: "" | Side, changes: Record<string, number>, broken: string,
 *   found: string, at: number | null, actions: Action[]}} Story
 * `at`: how many of the actions are done, null for all; the others were undone.
 */
(function (/** @type {any} */ root) {
  "use strict";
  const known = root.wsoracleRules, machine = root.wsoracleMachine, wire = root.wsoracleWire, deflate = root.wsoracleDeflate;
  const ROLES = /** @type {Record<Side, string>} */ ({ c: "client", s: "server" });
  /** @type {Record<string, any>} */
  const variables = known.variables;
  const ACCEPT = known.utf8.accept, REJECT = known.utf8.reject;
  /** What a choice begins with that the rules do not allow, or need not. */
  const ANYWAY = "anyway-";
  /** What a history says of the extensions that its opening handshake agreed on, as site/histories.py has it. */
  const AGREEABLE = ["client_window", "server_window", "client_takeover", "server_takeover", "claims_rsv1", "claims_rsv2", "claims_rsv3"];
  const LARGEST = 1 << 20;

  /** @param {Side} who @returns {Side} */
  function peerOf(who) { return who === "c" ? "s" : "c"; }

  // --- words ----------------------------------------------------------------------------------------------------------

  /** @param {any} state */
  function phase(state) {
    if (!state.tcp_open) { return "CLOSED"; }
    if (state.failed) { return "FAILED"; }
    if (state.handshake) { return "CONNECTING"; }
    return state.sent_close || state.got_close ? "CLOSING" : "OPEN";
  }

  /** @param {any} state */
  function stageWords(state) {
    const name = phase(state);
    return name === "CONNECTING" ? `${name} (${variables.handshake.labels[state.handshake]})` : name;
  }

  /** A state: its phase, and what is under way; as model/machine/words.py has it. @param {any} state @returns {string} */
  function stateWords(state) {
    const said = [stageWords(state)];
    /** @param {number} type */
    const message = (type) => variables.recv_type.labels[type].toLowerCase();
    if (state.recv_type) {
      const inside = { [ACCEPT]: "", [REJECT]: ", which is no longer valid UTF-8" }[state.recv_utf8];
      said.push(`inside a ${message(state.recv_type)} message${inside === undefined ? ", in the middle of a character" : inside}`);
    }
    if (state.failed && state.fail_code) {
      said.push(`to be closed with ${state.fail_code}`);
    } else if (state.failed && !state.peer_open) {
      said.push("lost");
    } else if (state.tcp_open && !state.peer_open) {
      said.push("TCP ended by the peer");
    }
    if (state.sent_close) { said.push("Close sent"); }
    if (state.got_close) { said.push(state.close_code === known.noCode ? "Close received" : `Close received (${state.close_code})`); }
    if (state.discarding) { said.push("discarding received frames"); }
    if (state.send_type) { said.push(`sending a ${message(state.send_type)} message`); }
    for (const bit of [1, 2, 3]) { if (state[`claims_rsv${bit}`]) { said.push(`RSV${bit} defined by an extension`); } }
    return said.join(", ");
  }

  /** What a unit is, in a few words. @param {any} unit @returns {string} */
  function unitWords(unit) {
    if (unit.type === "end") { return "the end of TCP"; }
    if (unit.type === "request") { return faults(unit, "an opening handshake"); }
    if (unit.type === "response") { return faults(unit, `a response ${unit.facts.status}`); }
    if (unit.opcode === 0) { return unit.fin ? "last fragment" : "next fragment"; }
    const name = known.frames[unit.opcode] || `frame of opcode ${unit.opcode}`;
    if (unit.opcode === 8) { const code = wire.factsOf(unit, null).code; return code === known.noCode ? name : `${name} ${code}`; }
    return unit.fin ? name : `first ${name} fragment`;
  }

  /** @param {any} unit @param {string} words */
  function faults(unit, words) {
    const sound = known.first[unit.type];
    const changed = Object.keys(sound).filter((name) => name !== "status" && unit.facts[name] !== sound[name]);
    if (unit.type === "response" && unit.facts.status !== 101) { return words; }
    if (changed.length > 2) { return `${words}, with ${changed.length} changes`; }
    return words + changed.map((name) => `, ${name} ${valueWords(name, unit.facts[name])}`).join("");
  }

  /** @param {string} name @param {any} value @returns {string} */
  function valueWords(name, value) {
    if (typeof value === "boolean") { return value ? "yes" : "no"; }
    const labels = variables[name].labels || {};
    return labels[String(value)] === undefined ? String(value) : labels[String(value)];
  }

  // --- what happens ---------------------------------------------------------------------------------------------------

  /** @param {Story} history @returns {World} */
  function begin(history) {
    const ends = /** @type {any} */ ({});
    for (const who of /** @type {Side[]} */ (["c", "s"])) {
      const setting = Object.assign({}, known.first[ROLES[who]]);
      for (const [name, value] of Object.entries(history.changes)) {
        if (!AGREEABLE.includes(name)) { setting[name] = settingValue(name, value); }
      }
      const state = Object.assign({}, known.first[history.start], history.start === "open" ? agreed(history.changes, who) : {});
      ends[who] = { setting, state, coming: [], ping: null, echoes: [], message: null, inside: [], taken: deflate.fresh(), sent: deflate.fresh() };
    }
    return { ends, steps: [] };
  }

  /** The state variables of what was agreed on; permessage-deflate claims RSV1. @param {Record<string, number>} said @param {Side} who */
  function agreed(said, who) {
    const mine = ROLES[who], peers = ROLES[peerOf(who)], received = said[`${peers}_window`] || 0;
    return { recv_window: received, send_window: said[`${mine}_window`] || 0, recv_takeover: Boolean(said[`${peers}_takeover`]),
      send_takeover: Boolean(said[`${mine}_takeover`]), claims_rsv1: Boolean(received || said.claims_rsv1),
      claims_rsv2: Boolean(said.claims_rsv2), claims_rsv3: Boolean(said.claims_rsv3) };
  }

  /** What an endpoint agreed on, in words; nothing without permessage-deflate. @param {any} state @returns {string} */
  function agreedWords(state) {
    if (!state.recv_window && !state.send_window) { return ""; }
    /** @param {string} way */
    const one = (way) => `${state[`${way}_window`]} octets, ${state[`${way}_takeover`] ? "contexts taken over" : "each message on its own"}`;
    return `permessage-deflate agreed on; what it sends: window of ${one("send")}; what it receives: window of ${one("recv")}`;
  }

  /** @param {string} name @param {number} value */
  function settingValue(name, value) {
    if (known.wide.includes(name)) { return BigInt(value); }
    return variables[name].high === undefined ? value !== 0 : value;
  }

  /** The event that sending a unit is for an endpoint. @param {Endpoint} end @param {any} unit */
  function sending(end, unit) {
    if (unit.type === "end") { return { kind: "close_tcp", facts: null }; }
    if (unit.type !== "frame") { return { kind: `send_${unit.type}`, facts: unit.facts }; }
    const facts = wire.factsOf(unit, textBefore(unit, end.state.send_type, end.state.send_utf8));
    const inflated = inflate(end, unit, facts, "send");
    facts.answers = answers(end, unit, facts, inflated);
    return { kind: "send", facts, inflated };
  }

  /**
   * What a frame of a compressed message inflates to, with what is measured of the message put among its facts; null for any
   * other frame.
   * @param {Endpoint} end @param {any} unit @param {any} facts @param {"send" | "recv"} way
   */
  function inflate(end, unit, facts, way) {
    const state = end.state, first = unit.opcode === 1 || unit.opcode === 2;
    if (!state[`${way}_window`] || !(first ? unit.rsv[0] : unit.opcode === 0 && state[`${way}_compressed`])) { return null; }
    const limit = end.setting.limit, most = way === "recv" && limit >= 0 && limit < LARGEST ? Number(limit) : LARGEST;
    const found = deflate.next(way === "send" ? end.sent : end.taken, wire.payloadOf(unit, LARGEST), first, unit.fin, state[`${way}_takeover`], most);
    for (const [name, value] of Object.entries(found.measured)) { facts[name] = known.wide.includes(name) ? BigInt(value) : value; }
    const before = textBefore(unit, state[`${way}_type`], state[`${way}_utf8`]);
    if (before !== null) {
      const next = wire.utf8(found.piece, before);
      facts.utf8_next = found.lost && next !== REJECT ? ACCEPT : next;
    }
    return found;
  }

  /** The event that a unit is for an endpoint that it arrives at. @param {Endpoint} end @param {any} unit */
  function arriving(end, unit) {
    if (unit.type === "end") { return { kind: "receive_eof", facts: null }; }
    if (unit.type === "frame") {
      const facts = wire.factsOf(unit, textBefore(unit, end.state.recv_type, end.state.recv_utf8));
      for (const name of unit.given) { facts[name] = known.first.frame[name]; }
      return { kind: "receive", inflated: inflate(end, unit, facts, "recv"), facts };
    }
    const facts = Object.assign({}, unit.facts);
    if (unit.type === "request") { facts.for_uri = true; }
    return { kind: `receive_${unit.type}`, facts };
  }

  /** @param {any} unit @param {number} inProgress @param {number} automaton */
  function textBefore(unit, inProgress, automaton) {
    if (unit.opcode === 1) { return ACCEPT; }
    return unit.opcode === 0 && inProgress === 1 ? automaton : null;
  }

  /** Whether a frame answers what is due. @param {Endpoint} end @param {any} unit @param {any} facts @param {any} inflated */
  function answers(end, unit, facts, inflated) {
    if (unit.opcode === 8) { return end.state.got_close && facts.code === end.state.close_code; }
    if (unit.opcode === 10) { return end.state.pong_due && end.ping === contentOf(unit); }
    if (unit.opcode > 2 || !unit.fin) { return false; }
    const whole = (unit.opcode ? [] : end.message || []).concat([contentOf(unit, inflated)]).join("");
    return end.echoes.length === 1 && end.echoes[0] === whole;
  }

  /** What a frame carries, inflated. @param {any} unit @param {any} [inflated] */
  function contentOf(unit, inflated) { return inflated ? wire.hex(inflated.piece) : `${wire.hex(unit.head)}${unit.fill ? `*${unit.fill}*` : ""}${wire.hex(unit.tail)}`; }

  /** @param {any} label */
  function choiceOf(label) { return label.code === null ? label.kind : `${label.kind}-${label.code}`; }

  /**
   * What an endpoint does where it may choose: the strictest, but nothing for which the application alone has a reason.
   * @param {any[]} outcomes
   */
  function usual(outcomes) {
    return outcomes.find((one) => one.label.kind !== "refuse" || one.strength !== "MAY") || outcomes[0];
  }

  /**
   * Do an action; the steps that it makes are added to the world. False where it cannot be done.
   * @param {World} world @param {Action} action @param {"" | Side} facing @param {any} rules
   */
  function act(world, action, facing, rules) {
    if (action.does === "cut") { return cut(world); }
    if (action.does === "wait") { return wait(world, /** @type {Side} */ (action.who), rules); }
    const who = /** @type {Side} */ (action.who), end = world.ends[who], other = world.ends[peerOf(who)];
    if (action.does === "send") {
      if (!canSend(world, who, action.unit)) { return false; }
      const event = sending(end, action.unit), number = world.steps.length + 1;
      const words = action.unit.type === "end" ? "closes TCP" : `sends ${unitWords(action.unit)}`;
      const step = stepOf(world, who, "send", words, action.unit);
      if (facing === who) {
        step.outcome = "sent by you";
        end.state = machine.anyway(event.kind, end.setting, end.state, event.facts);
      } else {
        decide(step, end, event, undefined, rules);
      }
      step.carried = event.inflated ? event.inflated.piece : null;
      keepSent(end, action.unit, event.inflated);
      other.coming.push({ from: number, unit: action.unit, words: unitWords(action.unit), begun: 0 });
      return finish(world, step, end);
    }
    const next = end.coming[0];
    if (!next) { return false; }
    if (action.does === "begin") { return arriveInPart(world, who, next, action.octets || 0, rules); }
    const event = arriving(end, next.unit);
    if (!machine.possible(event.kind, end.setting, end.state, event.facts)) { return passBy(world, who, next); }
    end.coming.shift();
    const step = stepOf(world, who, "take", `${next.unit.type === "end" ? "finds" : "receives"} ${next.words}`, next.unit);
    step.takes = next.from;
    if (!decide(step, end, event, action.choice, rules)) { end.coming.unshift(next); return false; }
    step.carried = event.inflated ? event.inflated.piece : null;
    keepTaken(end, next.unit, step, event.inflated);
    return finish(world, step, end);
  }

  /** It stays silent, whatever it owes. @param {World} world @param {Side} who @param {any} rules */
  function wait(world, who, rules) {
    const end = world.ends[who], step = stepOf(world, who, "wait", "stays silent", null);
    decide(step, end, { kind: "silence", facts: null }, undefined, rules);
    if (step.broken) { step.outcome = "forbidden, it is silent all the same"; }
    return finish(world, step, end);
  }

  /** Whether an endpoint can send a unit at all, by the rules or against them. @param {World} world @param {Side} who @param {any} unit */
  function canSend(world, who, unit) {
    const end = world.ends[who];
    if (!end.state.tcp_open) { return false; }
    if (unit.type === "frame" || unit.type === "end") { return true; }
    const event = sending(end, unit);
    return unit.type === (who === "c" ? "request" : "response") && machine.possible(event.kind, end.setting, end.state, event.facts);
  }

  /** @param {World} world @param {Side} who @param {string} does @param {string} words @param {any} unit @returns {Step} */
  function stepOf(world, who, does, words, unit) {
    return { number: world.steps.length + 1, who, does, words, outcome: "", rules: [], departs: [], strength: "",
      broken: false, unit, takes: 0, after: "", label: null, carried: null };
  }

  /** @param {World} world @param {Step} step @param {Endpoint} end */
  function finish(world, step, end) {
    step.after = stateWords(end.state);
    world.steps.push(step);
    return true;
  }

  /**
   * Let an event happen at an endpoint, with the outcome that is chosen or the usual one.
   * @param {Step} step @param {Endpoint} end @param {{kind: string, facts: any}} event @param {string | undefined} choice
   * @param {any} rules
   */
  function decide(step, end, event, choice, rules) {
    const outcomes = machine.allowed(event.kind, end.setting, end.state, event.facts, true, rules);
    if (choice && choice.startsWith(ANYWAY)) { return against(step, end, event, choice.slice(ANYWAY.length), outcomes); }
    const chosen = choice ? outcomes.find((/** @type {any} */ one) => choiceOf(one.label) === choice) : usual(outcomes);
    if (choice && !chosen) { return false; }
    if (!chosen) {
      step.outcome = "forbidden, sent anyway";
      step.broken = true;
      step.rules = machine.forbiddenBy(event.kind, end.setting, end.state, event.facts, rules).map((/** @type {any} */ row) => row.id);
      end.state = machine.anyway(event.kind, end.setting, end.state, event.facts);
      return true;
    }
    Object.assign(step, { label: chosen.label, rules: chosen.rules, departs: chosen.departs, strength: chosen.strength });
    step.outcome = outcomeWords(chosen);
    end.state = chosen.state;
    return true;
  }

  /**
   * Take what arrives against the rules. Those that refuse it stand behind that, or where none does those that say how it is taken.
   * @param {Step} step @param {Endpoint} end @param {{kind: string, facts: any}} event @param {string} choice @param {any[]} outcomes
   */
  function against(step, end, event, choice, outcomes) {
    /** @param {any} label */
    const chosen = (label) => choiceOf(label) === choice;
    const after = machine.against(event.kind, end.setting, end.state, event.facts, chosen);
    if (!after) { return false; }
    const refusing = machine.forbiddenBy(event.kind, end.setting, end.state, event.facts).map((/** @type {any} */ row) => row.id);
    const row = machine.rules.find((/** @type {any} */ one) => one.on === event.kind && one.word !== "forbid" && chosen(machine.labelOf(one)));
    const full = outcomes.filter((one) => !one.departs.length);
    Object.assign(step, { broken: true, outcome: `${row.outcome}, against the rules`, label: { kind: row.word },
      rules: refusing.length ? refusing : full.flatMap((one) => one.rules) });
    end.state = after;
    return true;
  }

  /** @param {any} chosen @returns {string} */
  function outcomeWords(chosen) {
    const words = chosen.row.outcome || `${chosen.label.kind}ted`;
    return chosen.departs.length ? `${words}, which departs from ${chosen.departs.join(", ")}` : words;
  }

  /** What an endpoint remembers of what it sent. @param {Endpoint} end @param {any} unit @param {any} inflated */
  function keepSent(end, unit, inflated) {
    if (inflated) { end.sent = inflated.after; }
    if (unit.type !== "frame" || unit.opcode > 2) { return; }
    const whole = (unit.opcode ? [] : end.message || []).concat([contentOf(unit, inflated)]);
    end.message = unit.fin ? null : whole;
    if (unit.fin && end.echoes[0] === whole.join("")) { end.echoes.shift(); }
  }

  /** What it remembers of what it took in: the latest Ping, the messages to send back. @param {Endpoint} end @param {any} unit @param {Step} step @param {any} inflated */
  function keepTaken(end, unit, step, inflated) {
    if (unit.type !== "frame" || !step.label || step.label.kind !== "accept") { return; }
    if (inflated) { end.taken = inflated.after; }
    if (unit.opcode === 9) { end.ping = contentOf(unit); }
    if (unit.opcode > 2) { return; }
    const whole = (unit.opcode ? [] : end.inside).concat([contentOf(unit, inflated)]);
    end.inside = unit.fin ? [] : whole;
    if (unit.fin && end.state.reply_due) { end.echoes.push(whole.join("")); }
  }

  /** The beginning of a frame arrives: the failures that are certain by then. @param {World} world @param {Side} who @param {Coming} next @param {number} octets @param {any} rules */
  function arriveInPart(world, who, next, octets, rules) {
    if (next.unit.type !== "frame" || next.begun) { return false; }
    const end = world.ends[who], header = headerOf(next.unit);
    const step = stepOf(world, who, "begin", `has ${octets} octets of ${next.words}`, next.unit);
    next.begun = octets;
    step.takes = next.from;
    step.outcome = "the frame is not whole: it waits";
    if (octets >= header) {
      const facts = arriving(end, next.unit).facts;
      const sure = rules ? [] : machine.sureFailures(end.setting, end.state, facts);
      step.rules = sure.map((/** @type {any} */ row) => row.id);
      if (sure.length) { step.outcome = "its header is enough to fail the connection, whatever follows"; }
    }
    return finish(world, step, end);
  }

  /** @param {any} unit @returns {number} */
  function headerOf(unit) { return 2 + [0, 2, 8][unit.form] + (unit.key ? 4 : 0); }

  /** What comes where no rule is about it (octets after a refusal, say) is passed by. @param {World} world @param {Side} who @param {Coming} next */
  function passBy(world, who, next) {
    const end = world.ends[who];
    end.coming.shift();
    const step = stepOf(world, who, "take", `passes by ${next.words}`, next.unit);
    step.takes = next.from;
    step.outcome = "no rule is about it now";
    return finish(world, step, end);
  }

  /** The connection is lost: what is under way never arrives, and each end finds the end of TCP. @param {World} world */
  function cut(world) {
    for (const end of Object.values(world.ends)) {
      end.coming = [{ from: 0, unit: { type: "end" }, words: "the end of TCP", begun: 0 }];
    }
    world.steps.push(Object.assign(stepOf(world, /** @type {any} */ (""), "cut", "The connection breaks", null), {
      outcome: "what was under way is lost; each end finds the end of TCP", after: "" }));
    return true;
  }

  /**
   * A history from its beginning, as far as it was not undone; what cannot be done ends it.
   * @param {Story} history @param {any} [rules] other rules than ours @returns {World}
   */
  function play(history, rules) {
    const world = begin(history);
    for (const action of history.actions.slice(0, history.at === null ? undefined : history.at)) {
      if (!act(world, action, history.facing, rules)) { break; }
    }
    return world;
  }

  // --- as text, for the address ---------------------------------------------------------------------------------------

  /** @param {Story} history @returns {string} */
  function write(history) {
    const first = [history.start === "open" ? "open" : "connect", ...(history.facing ? [`you=${ROLES[/** @type {Side} */ (history.facing)]}`] : []),
      ...Object.entries(history.changes).map(([name, value]) => `${name}=${value}`),
      ...(history.broken ? [`broken=${history.broken}`] : []), ...(history.found ? [`found=${history.found}`] : []),
      ...(history.at !== null && history.at < history.actions.length ? [`at=${history.at}`] : [])];
    return [first.join(","), ...history.actions.map(writeAction)].join(";");
  }

  /** @param {Action} action */
  function writeAction(action) {
    if (action.does === "cut") { return "cut"; }
    if (action.does === "send") { return `${action.who}:${wire.write(action.unit)}`; }
    if (action.does === "begin") { return `${action.who}:begin.${action.octets}`; }
    if (action.does === "wait") { return `${action.who}:wait`; }
    return `${action.who}:take${action.choice ? `.${action.choice}` : ""}`;
  }

  /** The history that a text stands for; null where it stands for none. @param {string} text @returns {Story | null} */
  function read(text) {
    const [first, ...rest] = text.split(";").filter((one) => one !== "");
    const [start, ...more] = (first || "open").split(",");
    if (start !== "open" && start !== "connect") { return null; }
    /** @type {Story} */
    const history = { start: start === "open" ? "open" : "connecting", facing: "", changes: {}, broken: "", found: "", at: null, actions: [] };
    for (const one of more) {
      const [name, value] = one.split("=");
      if (name === "you") { history.facing = value === "client" ? "c" : "s"; continue; }
      if (name === "agreed") { Object.assign(history.changes, agreement(one.slice("agreed=".length))); continue; }
      if (name === "at") { history.at = /^\d{1,5}$/.test(value || "") ? Number(value) : null; continue; }
      if (name === "broken" || name === "found") { history[name] = value || ""; continue; }
      if (!(AGREEABLE.includes(name) || name in known.first.client) || name === "server" || !/^-?\d{1,20}$/.test(value || "")) { return null; }
      history.changes[name] = Number(value);
    }
    for (const one of rest) {
      const action = readAction(one);
      if (!action) { return null; }
      history.actions.push(action);
    }
    return history;
  }

  /** What the parameters of permessage-deflate agree on, as the terminal writes them: with + between them. @param {string} text */
  function agreement(text) {
    const said = new Map(text.split("+").map((one) => /** @type {[string, string]} */ (one.split("="))));
    /** @type {Record<string, number>} */
    const found = {};
    for (const role of Object.values(ROLES)) {
      found[`${role}_window`] = 1 << Number(said.get(`${role}_max_window_bits`) || 15);
      found[`${role}_takeover`] = said.has(`${role}_no_context_takeover`) ? 0 : 1;
    }
    return found;
  }

  /** @param {string} text @returns {Action | null} */
  function readAction(text) {
    if (text === "cut") { return { who: "", does: "cut" }; }
    const found = /^([cs]):(.*)$/.exec(text);
    if (!found) { return null; }
    const who = /** @type {Side} */ (found[1]), took = /^take(?:\.((?:anyway-)?[a-z]+(?:-\d+)?))?$/.exec(found[2]);
    if (found[2] === "wait") { return { who, does: "wait" }; }
    if (took) { return { who, does: "take", choice: took[1] }; }
    const part = /^begin\.(\d{1,4})$/.exec(found[2]);
    if (part) { return { who, does: "begin", octets: Number(part[1]) }; }
    const unit = wire.read(found[2]);
    return unit && { who, does: "send", unit };
  }

  root.wsoracleHistory = {
    AGREEABLE, agreedWords, arriving, canSend, choiceOf, contentOf, headerOf, outcomeWords, peerOf, phase, play, read, sending, stageWords,
    stateWords, unitWords, usual, valueWords, write,
  };
})(globalThis);
