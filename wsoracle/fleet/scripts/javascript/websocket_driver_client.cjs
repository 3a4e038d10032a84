// Client: websocket-driver (sans-I/O) on node:net. maxLength 64 MiB; permessage-deflate is added where
// WSORACLE_COMPRESSION is set.
const net = require("node:net");
const driver = require("websocket-driver");
const { run } = require("./testee.cjs");

run(
  (url, onMessage) =>
    new Promise((resolve) => {
      const { hostname, port } = new URL(url);
      const socket = net.connect(Number(port), hostname);
      const connection = driver.client(url, { maxLength: 64 * 1024 * 1024 });
      if (process.env.WSORACLE_COMPRESSION) connection.addExtension(require("permessage-deflate"));
      connection.on("error", (error) => console.log(url, String(error)));
      socket.on("error", (error) => console.log(url, String(error)));
      connection.on("close", () => socket.end());
      socket.on("close", resolve);
      connection.on("message", (event) => {
        if (onMessage) onMessage(event.data);
        else if (typeof event.data === "string") connection.text(event.data);
        else connection.binary(event.data);
      });
      socket.pipe(connection.io).pipe(socket);
      socket.on("connect", () => connection.start());
    }),
);
