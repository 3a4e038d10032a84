// Echo server: bun (uWebSockets). maxPayloadLength 64 MiB, and room for as much unsent; perMessageDeflate off unless
// WSORACLE_COMPRESSION is set.
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  fetch(request, self) {
    return self.upgrade(request) ? undefined : new Response("a WebSocket server\n", { status: 426 });
  },
  websocket: {
    perMessageDeflate: Boolean(process.env.WSORACLE_COMPRESSION),
    maxPayloadLength: 64 * 1024 * 1024,
    backpressureLimit: 64 * 1024 * 1024,
    sendPings: false,
    message(connection, message) {
      connection.send(message, Boolean(process.env.WSORACLE_COMPRESSION));
    },
  },
});
console.log("READY", server.port);
