// Client: undici's WebSocket. It always offers permessage-deflate; its dispatcher's options lift the limits.
const { WebSocket, Agent } = require("undici");
const { run } = require("./testee.cjs");

const dispatcher = new Agent({ webSocket: { maxPayloadSize: 64 * 1024 * 1024, maxFragments: 0 } });

run(
  (url, onMessage) =>
    new Promise((resolve) => {
      const connection = new WebSocket(url, { dispatcher });
      connection.binaryType = "arraybuffer";
      connection.onerror = (event) => console.log(url, String(event.error));
      connection.onclose = resolve;
      connection.onmessage = (event) => {
        if (onMessage) onMessage(event.data);
        else connection.send(event.data);
      };
    }),
).then(() => process.exit(0));
