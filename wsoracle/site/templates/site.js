// The players of example runs, and the search. Without this script the tables of the runs and all links stand.
// @ts-check
(function () {
  "use strict";
  document.documentElement.classList.add("js");
  /** How long a player shows each step, in milliseconds. */
  var PAUSE = 1800, MOST = 40;

  /** @param {HTMLElement} player */
  function equip(player) {
    var steps = Number(player.dataset.steps), now = 1, timer = 0;
    var marks = Array.from(player.querySelectorAll("[data-step]"));
    var said = /** @type {HTMLElement} */ (player.querySelector("output"));
    /** @param {string} name @returns {HTMLButtonElement} */
    function button(name) { return /** @type {HTMLButtonElement} */ (player.querySelector("[data-do=" + name + "]")); }
    /** @param {number} step */
    function show(step) {
      now = Math.max(1, Math.min(steps, step));
      marks.forEach(function (mark) {
        var own = Number(/** @type {HTMLElement} */ (mark).dataset.step);
        mark.classList.toggle("now", own === now);
        mark.classList.toggle("done", own < now);
      });
      said.textContent = "Step " + now + " of " + steps;
    }
    function stop() { clearInterval(timer); timer = 0; button("play").textContent = "Play"; }
    function play() {
      if (timer) { stop(); return; }
      if (now === steps) { show(1); }
      button("play").textContent = "Pause";
      timer = window.setInterval(function () { show(now + 1); if (now === steps) { stop(); } }, PAUSE);
    }
    /** @param {number} step */
    function go(step) { stop(); show(step); }
    button("first").addEventListener("click", function () { go(1); });
    button("back").addEventListener("click", function () { go(now - 1); });
    button("step").addEventListener("click", function () { go(now + 1); });
    button("play").addEventListener("click", play);
    button("whole").addEventListener("click", function () {
      button("whole").setAttribute("aria-pressed", String(player.classList.toggle("all")));
    });
    player.addEventListener("keydown", function (event) {
      /** @type {Record<string, number>} */
      var keys = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 1, End: steps };
      var inside = /** @type {HTMLElement} */ (event.target).closest(".controls");
      if (inside && event.key in keys) { event.preventDefault(); go(keys[event.key]); }
    });
    show(1);
  }

  /** @type {[string, string, string, string][]} */
  var index = [];
  /** @param {() => void} done */
  function load(done) {
    if (index.length) { done(); return; }
    var script = document.createElement("script");
    script.src = "search.js";
    script.onload = function () { index = /** @type {any} */ (window).wsoracleIndex; done(); };
    document.head.appendChild(script);
  }

  /** What has the most of the words asked for. @param {string} asked */
  function matching(asked) {
    var words = asked.toLowerCase().split(/[\s?]+/).filter(Boolean);
    /** @param {string} text */
    function has(text) { return words.filter(function (word) { return text.indexOf(word) >= 0; }).length; }
    var ranked = index.map(function (one) {
      var title = one[1].toLowerCase();
      return { one: one, has: has(title + " " + one[3].toLowerCase()), rank: has(title) * 2 + (one[2] ? 0 : 1) };
    });
    var most = ranked.reduce(function (before, one) { return Math.max(before, one.has); }, 0);
    return {
      missing: words.length - most,
      found: ranked.filter(function (one) { return one.has > 0 && one.has === most; })
        .sort(function (a, b) { return b.rank - a.rank; }).map(function (one) { return one.one; }),
    };
  }

  function searching() {
    var field = /** @type {HTMLInputElement} */ (document.getElementById("search"));
    var list = /** @type {HTMLElement} */ (document.getElementById("found"));
    var box = /** @type {HTMLElement} */ (document.querySelector(".found"));
    var count = /** @type {HTMLElement} */ (document.getElementById("found-count"));
    function show() {
      var matched = matching(field.value), found = matched.found;
      box.hidden = !field.value.trim();
      count.textContent = found.length + " found" + (found.length && matched.missing ? ", with most of the words" : "") + (found.length > MOST ? ", the first " + MOST + " shown" : "");
      list.textContent = "";
      found.slice(0, MOST).forEach(function (one) {
        var item = document.createElement("li"), link = document.createElement("a");
        link.href = one[0] + (one[2] ? "#" + encodeURI(one[2]) : "");
        link.textContent = one[1];
        item.appendChild(link);
        if (one[3]) {
          var more = document.createElement("span");
          more.textContent = one[3].slice(0, 140);
          item.appendChild(more);
        }
        list.appendChild(item);
      });
    }
    field.addEventListener("input", function () { load(show); });
    field.addEventListener("focus", function () { load(function () { return undefined; }); });
    field.form && field.form.addEventListener("submit", function (event) {
      event.preventDefault();
      var first = list.querySelector("a");
      if (first) { first.click(); }
    });
    document.addEventListener("keydown", function (event) {
      var inField = /^(INPUT|TEXTAREA|SELECT)$/.test(/** @type {HTMLElement} */ (event.target).tagName);
      if (event.key === "/" && !inField) { event.preventDefault(); field.focus(); }
      if (event.key === "Escape") { box.hidden = true; }
      if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !box.hidden) {
        var links = Array.from(list.querySelectorAll("a")), at = links.indexOf(/** @type {any} */ (document.activeElement));
        if (at < 0 && document.activeElement !== field) { return; }
        event.preventDefault();
        var next = at + (event.key === "ArrowDown" ? 1 : -1);
        (next < 0 ? field : links[Math.min(next, links.length - 1)]).focus();
      }
    });
    document.addEventListener("click", function (event) {
      if (!(/** @type {HTMLElement} */ (event.target).closest("form"))) { box.hidden = true; }
    });
  }

  document.addEventListener("DOMContentLoaded", function () {
    document.querySelectorAll(".player").forEach(function (one) { equip(/** @type {HTMLElement} */ (one)); });
    searching();
  });
})();
