// Echo server: bun (uWebSockets). maxPayloadLength 64 MiB, and room for as much unsent; compression off.
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  fetch(request, self) {
    return self.upgrade(request) ? undefined : new Response("a WebSocket server\n", { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
    maxPayloadLength: 64 * 1024 * 1024,
    backpressureLimit: 64 * 1024 * 1024,
    sendPings: false,
    message(connection, message) {
      connection.send(message);
    },
  },
});
console.log("READY", server.port);
