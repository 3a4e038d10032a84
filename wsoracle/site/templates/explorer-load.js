// Loads the rules and the rest of the explorer as soon as the page is there.
// @ts-check
document.addEventListener("DOMContentLoaded", function () {
  ["rules.js", "explorer-machine.js", "explorer-wire.js", "explorer-deflate.js", "explorer-history.js", "explorer-parts.js",
    "explorer-forms.js", "explorer-sequence.js", "explorer.js"].forEach(function (name) {
    var script = document.createElement("script");
    script.src = name;
    script.async = false;
    script.onerror = function () {
      /** @type {any} */ (window).wsoracleMissing = name;
      var said = document.getElementById("explorer-wrong");
      if (said) { said.textContent = "The explorer did not start: " + name + " was not found beside this page. Load the page again, or put all files of the site into one folder."; }
    };
    document.head.append(script);
  });
});
