// Echo server: ws. maxPayload 0 means no limit; perMessageDeflate off unless WSORACLE_COMPRESSION is set. Called with a port.
const { WebSocketServer } = require("ws");

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: Number(process.argv[2]),
  maxPayload: 0,
  maxFragments: 0,
  maxBufferedChunks: 0,
  perMessageDeflate: Boolean(process.env.WSORACLE_COMPRESSION),
});
server.on("listening", () => console.log("READY", server.address().port));
server.on("connection", (connection) => {
  connection.on("error", (error) => console.log(String(error)));
  connection.on("message", (data, isBinary) => connection.send(data, { binary: isBinary }));
});
