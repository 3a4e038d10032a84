(function () {
  "use strict";
  var data = JSON.parse(document.getElementById("cells").textContent), agent = document.getElementById("agent");
  var rows = Array.prototype.slice.call(document.querySelectorAll("tr.case"));
  function link(number, place, text) {
    var row = data.rows[number], said = row[1][place], one = document.createElement("a");
    one.href = data.others[number + " " + place] || data.files[place] + "_case_" + row[0];
    one.textContent = text + data.words[said];
    one.className = data.styles[said];
    return one;
  }
  function list(details, number) {
    var found = document.createElement("ul"), said = data.rows[number][1];
    data.agents.map(function (name, place) { return place; }).filter(function (place) { return said[place] >= 0; })
      .sort(function (a, b) { return said[a] - said[b] || a - b; })
      .forEach(function (place) {
        found.appendChild(document.createElement("li")).appendChild(link(number, place, data.agents[place] + ": "));
      });
    details.appendChild(found);
  }
  rows.forEach(function (row, number) {
    var details = row.querySelector("details");
    details.addEventListener("toggle", function () { if (details.open && !details.querySelector("ul")) { list(details, number); } });
  });
  data.agents.forEach(function (name, place) { agent.add(new Option(name, String(place))); });
  agent.addEventListener("input", function () {
    rows.forEach(function (row, number) {
      var cell = row.cells[1], shown = cell.querySelector(":scope > a"), place = Number(agent.value);
      if (shown) { shown.remove(); }
      if (agent.value && data.rows[number][1][place] >= 0) { cell.prepend(link(number, place, "")); }
    });
  });
})();
