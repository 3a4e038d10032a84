(function () {
  "use strict";
  var search = document.getElementById("search"), odd = document.getElementById("odd"), count = document.getElementById("count");
  var rows = Array.prototype.slice.call(document.querySelectorAll("tr.case"));
  var groups = Array.prototype.slice.call(document.querySelectorAll("tr.group"));
  function apply() {
    var words = search.value.toLowerCase().split(/\s+/).filter(Boolean), shown = 0, alive = {};
    rows.forEach(function (row) {
      var text = row.dataset.text, fits = words.every(function (word) { return text.indexOf(word) >= 0; });
      var hidden = !fits || (odd.checked && row.dataset.odd !== "1");
      row.hidden = hidden;
      if (!hidden) { shown += 1; alive[row.dataset.group] = true; }
    });
    groups.forEach(function (row) { row.hidden = !alive[row.dataset.group]; });
    count.textContent = shown + " of " + rows.length + " cases";
  }
  search.addEventListener("input", apply);
  odd.addEventListener("change", apply);
  apply();
})();
