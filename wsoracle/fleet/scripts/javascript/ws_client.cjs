// Client: ws. maxPayload 0 means no limit; no permessage-deflate is offered.
const WebSocket = require("ws");
const { run } = require("./testee.cjs");

run(
  (url, onMessage) =>
    new Promise((resolve) => {
      const connection = new WebSocket(url, {
        maxPayload: 0,
        maxFragments: 0,
        maxBufferedChunks: 0,
        perMessageDeflate: false,
      });
      connection.on("error", (error) => console.log(url, String(error)));
      connection.on("close", resolve);
      connection.on("message", (data, isBinary) => {
        if (onMessage) onMessage(data);
        else connection.send(data, { binary: isBinary });
      });
    }),
);
