// Echo server: faye-websocket (on websocket-driver). maxLength 64 MiB; it has no extensions unless given some:
// permessage-deflate where WSORACLE_COMPRESSION is set.
const http = require("node:http");
const WebSocket = require("faye-websocket");

const extensions = process.env.WSORACLE_COMPRESSION ? [require("permessage-deflate")] : [];

const server = http.createServer((request, response) => {
  response.writeHead(426).end("a WebSocket server\n");
});
server.on("upgrade", (request, socket, body) => {
  socket.on("error", (error) => console.log(String(error)));
  const connection = new WebSocket(request, socket, body, [], { maxLength: 64 * 1024 * 1024, extensions });
  connection.on("message", (event) => connection.send(event.data));
});
server.listen(Number(process.argv[2]), "127.0.0.1", () => console.log("READY", server.address().port));
