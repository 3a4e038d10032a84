// The history of the explorer as a sequence: a list in which each step is a button, over the arrows of what was sent.
// @ts-check
(function (/** @type {any} */ root) {
  "use strict";
  const { make } = root.wsoracleParts;
  const ROLES = /** @type {Record<string, string>} */ ({ c: "client", s: "server" });
  /** The height of a step, where its number stands in it, and how far the lifelines are from the edges: as in the style. */
  const STEP = 46, MIDDLE = 23, EDGE = 20, RADIUS = 11;

  /** @param {SVGElement} drawing @param {string} name @param {Record<string, any>} attributes */
  function shape(drawing, name, attributes) {
    const made = document.createElementNS(drawing.namespaceURI, name);
    for (const [key, value] of Object.entries(attributes)) { made.setAttribute(key, String(value)); }
    return made;
  }

  /** What a step is in a few words, as it stands beside its number. @param {any} step */
  function label(step) {
    if (step.does === "send") { return step.words.replace(/^sends /, ""); }
    return step.does === "take" ? step.outcome : step.words;
  }

  /** A step in a sentence. @param {any} step */
  function told(step) {
    const who = step.who ? `The ${ROLES[step.who]} ` : "", why = step.broken ? `, against ${step.rules.join(", ")}` : "";
    return `${step.number}. ${who}${step.words}: ${step.outcome}${why}`;
  }

  /**
   * @param {any} step @param {number} now how many steps are done @param {(moment: number) => void} goTo
   */
  function item(step, now, goTo) {
    const kind = [step.who || "cut", step.does, step.broken ? "broken" : step.departs.length ? "departs" : "", step.number > now ? "ahead" : ""];
    const text = told(step), mark = step.broken ? `✗ ${label(step)}` : label(step);
    const button = make("button", { type: "button", title: text, "aria-current": step.number === now ? "step" : false, click: () => goTo(step.number) },
      make("span", { class: "n", "aria-hidden": "true" }, String(step.number)), make("span", { class: "what", "aria-hidden": "true" }, mark),
      make("span", { class: "unseen" }, step.number > now ? `${text} (undone)` : text));
    return make("li", { class: kind.join(" ") }, button);
  }

  /** The arrow of a step that sends, to the step that takes it. @param {SVGElement} drawing @param {any} step @param {any[]} steps @param {number} width @param {number} now */
  function arrow(drawing, step, steps, width, now) {
    const taken = steps.find((one) => one.takes === step.number && one.does === "take") || steps.find((one) => one.takes === step.number);
    const lost = !taken && steps.some((one) => one.does === "cut" && one.number > step.number);
    const turn = step.who === "c" ? 1 : -1, from = step.who === "c" ? EDGE : width - EDGE, to = width - from;
    const y = STEP * (step.number - 1) + MIDDLE, down = taken ? STEP * (taken.number - 1) + MIDDLE : y + STEP / 2;
    const x = taken ? to - (RADIUS + 2) * turn : (from + to) / 2;
    const kind = [step.broken ? "broken" : "", step.number > now ? "ahead" : "", taken ? "" : "under-way"].join(" ");
    const group = shape(drawing, "g", { class: `arrow ${step.who} ${kind}` });
    group.append(shape(drawing, "line", { x1: from + RADIUS * turn, y1: y, x2: x, y2: down }));
    if (taken) { group.append(shape(drawing, "path", { d: `M${x} ${down} l${-9 * turn} -5 l0 9 z` })); }
    if (lost) {
      const cross = shape(drawing, "text", { x, y: down + 5, "text-anchor": "middle" });
      cross.textContent = "✗";
      group.append(cross);
    }
    return group;
  }

  /**
   * Show steps in a list; `now` of them are done, the others were undone.
   * @param {HTMLElement} list @param {any[]} steps @param {number} now @param {(moment: number) => void} goTo
   */
  function show(list, steps, now, goTo) {
    const held = list.contains(document.activeElement) ? now : 0, width = list.clientWidth || 300, height = STEP * Math.max(steps.length, 2);
    const box = /** @type {HTMLElement} */ (list.parentElement), drawing = /** @type {SVGElement} */ (box.querySelector("svg"));
    for (const [name, value] of Object.entries({ viewBox: `0 0 ${width} ${height}`, width, height })) { drawing.setAttribute(name, String(value)); }
    drawing.replaceChildren();
    for (const x of [EDGE, width - EDGE]) { drawing.append(shape(drawing, "line", { class: "life", x1: x, y1: 0, x2: x, y2: height })); }
    steps.filter((one) => one.does === "send").forEach((one) => drawing.append(arrow(drawing, one, steps, width, now)));
    list.replaceChildren(...steps.map((one) => item(one, now, goTo)));
    const current = /** @type {HTMLElement | null} */ (list.querySelector("[aria-current]"));
    if (current && held) { current.focus(); }
    const top = current ? /** @type {HTMLElement} */ (current.parentElement).offsetTop : 0;
    if (top < box.scrollTop || top + STEP > box.scrollTop + box.clientHeight) { box.scrollTop = top + 2 * STEP - box.clientHeight; }
  }

  root.wsoracleSequence = { show, told };
})(globalThis);
