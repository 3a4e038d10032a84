(function () {
  "use strict";
  var search = document.getElementById("search"), verdict = document.getElementById("verdict");
  var group = document.getElementById("group"), count = document.getElementById("count");
  var heads = Array.prototype.slice.call(document.querySelectorAll("tr.group")), names = {};
  heads.forEach(function (head) { names[head.dataset.group] = head.textContent; });
  var rows = Array.prototype.map.call(document.querySelectorAll("tr.case"), function (row) {
    var all = [row.textContent, row.dataset.rules || "", names[row.dataset.group] || ""].join(" ");
    return { row: row, text: all.toLowerCase(), group: row.dataset.group, verdicts: row.dataset.verdicts.split(" ") };
  });
  function fits(one, words) {
    var wanted = verdict.value;
    if (wanted === "-" && one.verdicts.every(function (found) { return found === "OK"; })) { return false; }
    if (wanted && wanted !== "-" && one.verdicts.indexOf(wanted) < 0) { return false; }
    if (group.value && (one.group + ".").indexOf(group.value + ".") !== 0) { return false; }
    return words.every(function (word) { return one.text.indexOf(word) >= 0; });
  }
  function apply() {
    var words = search.value.toLowerCase().split(/\s+/).filter(Boolean), shown = 0, alive = {};
    rows.forEach(function (one) {
      one.row.hidden = !fits(one, words);
      if (!one.row.hidden) { shown += 1; alive[one.group] = true; }
    });
    heads.forEach(function (head) { head.hidden = !alive[head.dataset.group]; });
    count.textContent = shown + " of " + rows.length + " cases";
  }
  [search, verdict, group].forEach(function (input) { input.addEventListener("input", apply); });
  apply();
})();
