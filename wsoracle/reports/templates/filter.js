(function () {
  "use strict";
  function named(id) { return document.getElementById(id); }
  var search = named("search"), verdict = named("verdict"), group = named("group"), cause = named("cause"), sort = named("sort");
  var count = named("count"), title = named("cases"), body = document.querySelector(".matrix tbody");
  var inOrder = Array.prototype.slice.call(body.rows), column = "";
  var heads = inOrder.filter(function (row) { return row.className === "group"; }), names = {};
  heads.forEach(function (head) { names[head.dataset.group] = head.textContent; });
  var rows = inOrder.filter(function (row) { return row.className === "case"; }).map(function (row) {
    var all = [row.textContent, row.dataset.rules || "", names[row.dataset.group] || ""].join(" "), data = row.dataset;
    return { row: row, text: all.toLowerCase(), group: data.group, verdicts: data.verdicts.split(" "),
      causes: (data.causes || "").split(" "), worst: Number(data.worst) };
  });
  function said(one) {
    var cell = column && one.row.cells[Number(column) + 1];
    return cell ? one.verdicts.filter(function (found) { return cell.classList.contains(found); }) : one.verdicts;
  }
  function fits(one, words) {
    var wanted = verdict.value, found = said(one);
    if (wanted === "-" && found.every(function (found) { return found === "OK"; })) { return false; }
    if (wanted && wanted !== "-" && found.indexOf(wanted) < 0) { return false; }
    if (group.value && (one.group + ".").indexOf(group.value + ".") !== 0) { return false; }
    if (cause && cause.value && one.causes.indexOf(cause.value) < 0) { return false; }
    return words.every(function (word) { return one.text.indexOf(word) >= 0; });
  }
  function arrange() {
    var byVerdict = sort.value === "verdict", order = inOrder;
    if (byVerdict) {
      order = rows.slice().sort(function (a, b) { return a.worst - b.worst; }).map(function (one) { return one.row; });
    }
    order.forEach(function (row) { body.appendChild(row); });
  }
  function apply() {
    var words = search.value.toLowerCase().split(/\s+/).filter(Boolean), shown = 0, alive = {};
    rows.forEach(function (one) {
      one.row.hidden = !fits(one, words);
      if (!one.row.hidden) { shown += 1; alive[one.group] = true; }
    });
    heads.forEach(function (head) { head.hidden = sort.value === "verdict" || !alive[head.dataset.group]; });
    count.textContent = shown + " of " + rows.length + " cases";
    title.textContent = shown === rows.length ? "Cases" : "Cases: " + shown + " of " + rows.length;
  }
  function follow() {
    var asked = new URLSearchParams(location.hash.slice(1));
    if (!asked.has("verdict") && !asked.has("cause") && !asked.has("cases")) { return; }
    verdict.value = asked.get("verdict") || "";
    column = asked.get("agent") || "";
    search.value = group.value = "";
    if (cause) { cause.value = asked.get("cause") || ""; }
    apply();
    title.scrollIntoView();
  }
  [search, verdict, group, cause].filter(Boolean).forEach(function (input) {
    input.addEventListener("input", function () { column = ""; apply(); });
  });
  sort.addEventListener("input", function () { arrange(); apply(); });
  window.addEventListener("hashchange", follow);
  apply();
  follow();
})();
