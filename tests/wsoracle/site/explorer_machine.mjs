// Answers questions to the explorer's scripts, for the tests: a JSON document comes in, one goes out.
// Wide numbers (BigInt) are strings in both.
import { readFileSync } from "node:fs";
import vm from "node:vm";

const asked = JSON.parse(readFileSync(0, "utf8"));
for (const script of asked.scripts) { vm.runInThisContext(script); }
const { wsoracleRules: rules, wsoracleMachine: machine, wsoracleWire: wire, wsoracleHistory: history, wsoracleDeflate: deflate } = globalThis;
const wide = new Set(rules.wide);

function given(names, values) {
  return values && Object.fromEntries(names.map((name, at) => [name, wide.has(name) ? BigInt(values[at]) : values[at]]));
}
function listed(values) { return Object.values(values).map((one) => (typeof one === "bigint" ? String(one) : one)); }

/** All that is said of an event in a state, by the rules or with one broken. */
function answer(kind, setting, state, facts, whether, others) {
  const outcomes = machine.allowed(kind, setting, state, facts, true, others).map((one) => [
    one.label.kind, one.label.code, one.label.delivers, listed(one.state), one.rules, one.strength, one.departs,
  ]);
  const forbidden = machine.forbiddenBy(kind, setting, state, facts, others).map((row) => row.id);
  const done = rules.inputs.includes(kind) ? null : machine.doneBy(kind, facts);
  return [outcomes, forbidden, done, whether && machine.possible(kind, setting, state, facts)];
}

const answers = {
  // Each state with each event of its list; equal answers are given once.
  steps({ settings, fields, states, lists, questions, whether, broken }) {
    const known = new Map(), table = [];
    function number(value) {
      const text = JSON.stringify(value);
      if (!known.has(text)) { known.set(text, known.size); table.push(value); }
      return known.get(text);
    }
    const events = lists.map((list) => list.map(([kind, facts]) => [kind, given(rules.facts[kind], facts)]));
    const found = questions.map(([at, place, list]) => {
      const setting = given(fields.setting, settings[at]), state = given(fields.state, states[place]);
      const others = broken ? globalThis.wsoracleBroken.rules(broken[at]) : undefined;
      return events[list].map(([kind, facts]) => number(answer(kind, setting, state, facts, whether, others)));
    });
    return { table, found };
  },
  owed({ settings, fields, states, questions }) {
    return questions.map(([at, place]) => {
      const state = given(fields.state, states[place]);
      const dues = machine.owed(given(fields.setting, settings[at]), state);
      return [dues.map((one) => [one.due, one.rule.id]), history.stateWords(state)];
    });
  },
  // Each history: its text as it is written again, and for each step where it leads.
  histories({ texts }) {
    return texts.map((text) => {
      const read = history.read(text);
      const steps = read.actions.map((_, at) => {
        const others = read.broken ? globalThis.wsoracleBroken.rules(read.broken) : undefined;
        const world = history.play({ ...read, actions: read.actions.slice(0, at + 1) }, others);
        if (world.steps.length <= at) { return null; }
        const step = world.steps[world.steps.length - 1], end = world.ends[step.who];
        if (!end) { return null; }
        const dues = machine.owed(end.setting, end.state).map((one) => rules.dues[one.due]);
        return [step.who, step.takes, [...step.rules, ...step.departs], history.stageWords(end.state), [...new Set(dues)]];
      });
      return [history.write(read), steps];
    });
  },
  // Each history: for each step the rules that are broken or departed from, and the states of both ends afterwards.
  worlds({ texts }) {
    return texts.map((text) => {
      const world = history.play(history.read(text));
      const against = world.steps.map((step) => (step.broken ? step.rules : step.departs));
      return [against, ["c", "s"].map((who) => listed(world.ends[who].state))];
    });
  },
  // Compressed messages of one direction, each a list of payloads: of each frame what it inflates to, and what is measured.
  inflated({ directions }) {
    return directions.map(([takeover, most, messages]) => {
      let context = deflate.fresh();
      return messages.map((frames) => frames.map((payload, at) => {
        const found = deflate.next(context, wire.unhex(payload), at === 0, at === frames.length - 1, takeover, most);
        context = found.after;
        return [wire.hex(found.piece), Object.values(found.measured), found.lost];
      }));
    });
  },
  // Octets as compressed messages.
  deflated({ octets }) { return octets.map((one) => wire.hex(deflate.deflate(wire.unhex(one)))); },
  // Each frame as text, with where the automaton is before it: its facts, its octets, and the text again.
  frames({ texts }) {
    return texts.map(([text, before]) => {
      const unit = wire.read(text);
      return [listed(wire.factsOf(unit, before)), wire.hex(wire.partsOf(unit).flatMap((part) => part.octets)), wire.write(unit)];
    });
  },
};
process.stdout.write(JSON.stringify(asked.questions.map((one) => answers[one.ask](one))));
