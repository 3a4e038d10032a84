// Loads the rules and the rest of the explorer as soon as the page is there.
// @ts-check
document.addEventListener("DOMContentLoaded", function () {
  ["rules.js", "explorer-machine.js", "explorer-wire.js", "explorer-history.js", "explorer.js"].forEach(function (name) {
    var script = document.createElement("script");
    script.src = name;
    script.async = false;
    document.head.append(script);
  });
});
