// Client: ws. maxPayload 0 means no limit; permessage-deflate is offered where WSORACLE_COMPRESSION is set.
const WebSocket = require("ws");
const { run } = require("./testee.cjs");

run(
  (url, onMessage) =>
    new Promise((resolve) => {
      const connection = new WebSocket(url, {
        maxPayload: 0,
        maxFragments: 0,
        maxBufferedChunks: 0,
        perMessageDeflate: Boolean(process.env.WSORACLE_COMPRESSION),
      });
      connection.on("error", (error) => console.log(url, String(error)));
      connection.on("close", resolve);
      connection.on("message", (data, isBinary) => {
        if (onMessage) onMessage(data);
        else connection.send(data, { binary: isBinary });
      });
    }),
);
