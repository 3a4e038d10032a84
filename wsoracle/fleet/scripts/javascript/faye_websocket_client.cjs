// Client: faye-websocket (on websocket-driver). maxLength 64 MiB; it offers no extensions unless given some:
// permessage-deflate where WSORACLE_COMPRESSION is set.
const { Client } = require("faye-websocket");
const { run } = require("./testee.cjs");

const extensions = process.env.WSORACLE_COMPRESSION ? [require("permessage-deflate")] : [];

run(
  (url, onMessage) =>
    new Promise((resolve) => {
      const connection = new Client(url, [], { maxLength: 64 * 1024 * 1024, extensions });
      connection.on("error", (event) => console.log(url, event.message));
      connection.on("close", resolve);
      connection.on("message", (event) => {
        if (onMessage) onMessage(event.data);
        else connection.send(event.data);
      });
    }),
);
