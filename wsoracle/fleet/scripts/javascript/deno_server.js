// Echo server: deno (fastwebsockets). It has no limits to set; it negotiates no compression.
Deno.serve(
  {
    hostname: "127.0.0.1",
    port: Number(Deno.args[0]),
    onListen: ({ port }) => console.log("READY", port),
  },
  (request) => {
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      return new Response("a WebSocket server\n", { status: 426 });
    }
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
    socket.binaryType = "arraybuffer";
    socket.onerror = (event) => console.log(event.message);
    socket.onmessage = (event) => socket.send(event.data);
    return response;
  },
);
