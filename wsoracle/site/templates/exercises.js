// Exercises: what was ticked is compared with what is right, and the reasons are opened. Nothing is kept.
// @ts-check
(function () {
  "use strict";
  document.addEventListener("DOMContentLoaded", function () {
    var all = Array.from(document.querySelectorAll(".exercise")), solved = new Set(), tried = new Set();
    var score = /** @type {HTMLElement} */ (document.getElementById("score"));
    all.forEach(function (exercise) {
      var said = /** @type {HTMLOutputElement} */ (exercise.querySelector("output"));
      var button = /** @type {HTMLButtonElement} */ (exercise.querySelector("[data-do=check]"));
      button.addEventListener("click", function () {
        var wrong = 0;
        exercise.querySelectorAll("li:has(> label)").forEach(function (one) {
          var box = /** @type {HTMLInputElement} */ (one.querySelector("input"));
          var right = box.dataset.right === "1", good = box.checked === right;
          var mark = /** @type {HTMLElement} */ (one.querySelector(".mark"));
          wrong += good ? 0 : 1;
          mark.className = "mark " + (good ? "good" : "bad");
          mark.textContent = right ? (good ? "✓ allowed" : "✗ it is allowed") : (good ? "" : "✗ not allowed in full");
        });
        tried.add(exercise);
        if (wrong) { solved.delete(exercise); } else { solved.add(exercise); }
        said.textContent = wrong ? "Not yet: see the reasons." : "Right.";
        score.textContent = solved.size + " of " + tried.size + " right, of " + all.length + " on this page.";
        /** @type {HTMLDetailsElement} */ (exercise.querySelector("details")).open = true;
      });
    });
  });
})();
