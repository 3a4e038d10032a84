// Echo server: websocket-driver (sans-I/O) on node:net. maxLength 64 MiB; permessage-deflate is added where
// WSORACLE_COMPRESSION is set.
const net = require("node:net");
const driver = require("websocket-driver");

const server = net.createServer((socket) => {
  const connection = driver.server({ maxLength: 64 * 1024 * 1024 });
  if (process.env.WSORACLE_COMPRESSION) connection.addExtension(require("permessage-deflate"));
  connection.on("connect", () => {
    if (driver.isWebSocket(connection)) connection.start();
    else socket.end("HTTP/1.1 426 Upgrade Required\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  });
  connection.on("error", (error) => console.log(String(error)));
  socket.on("error", (error) => console.log(String(error)));
  connection.messages.on("data", (message) => connection.messages.write(message));
  connection.on("close", () => socket.end());
  socket.pipe(connection.io).pipe(socket);
});
server.listen(Number(process.argv[2]), "127.0.0.1", () => console.log("READY", server.address().port));
