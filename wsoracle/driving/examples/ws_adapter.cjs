// The adapter of Node's ws for `wsoracle drive`: its Receiver and its Sender, after the opening handshake.
// NODE_PATH names the node_modules that has ws.
const { Receiver, Sender } = require("ws");
const { version } = require("ws/package.json");

class Endpoint {
  constructor(isClient) {
    this.isClient = isClient;
    this.octets = [];
    this.events = [];
    this.closes = this.closing = false;
    const socket = { cork() {}, uncork() {}, write: (octets) => this.octets.push(Buffer.from(octets)) };
    this.sender = new Sender(socket);
    this.receiver = new Receiver({ isServer: !isClient });
    this.receiver.on("message", (data, binary) => this.events.push({ kind: binary ? "binary" : "text", payload: data.toString("hex") }));
    this.receiver.on("ping", (data) => this.closing || this.sender.pong(data, isClient));
    this.receiver.on("conclude", (code, reason) => this.end(code === 1005 ? undefined : code, reason, false));
    this.receiver.on("error", (error) => this.end(error[Object.getOwnPropertySymbols(error).find((s) => String(s).includes("status-code"))] ?? 1002, undefined, true));
  }
  end(code, reason, failed) {
    if (!this.closing) this.sender.close(code, reason, this.isClient);
    this.closing = true;
    this.closes = failed || !this.isClient; // a client waits for the end of TCP
  }
  output() {
    const found = { octets: Buffer.concat(this.octets).toString("hex"), events: this.events, closes: this.closes };
    this.octets = [];
    this.events = [];
    return found;
  }
}

const endpoints = new Map();
async function answer({ cmd, connection, role, octets, kind, payload }) {
  const endpoint = endpoints.get(connection);
  if (cmd === "start") return { version: 1, implementation: { name: "ws", version, language: "JavaScript" }, opening: false };
  if (cmd === "open") endpoints.set(connection, new Endpoint(role === "client"));
  else if (cmd === "close") endpoints.delete(connection);
  else if (cmd === "receive" && !endpoint.closes) endpoint.receiver.write(Buffer.from(octets, "hex"));
  else if (cmd === "eof") endpoint.closes = true;
  else if (cmd === "send" && !endpoint.closing) endpoint.sender.send(Buffer.from(payload, "hex"), { binary: kind === "binary", fin: true, mask: endpoint.isClient });
  await new Promise(setImmediate); // the library tells of errors a moment later
  return endpoint ? endpoint.output() : {};
}

(async () => {
  for await (const line of require("readline").createInterface({ input: process.stdin })) {
    const asked = JSON.parse(line);
    process.stdout.write(JSON.stringify({ seq: asked.seq, ...(await answer(asked)) }) + "\n");
    if (asked.cmd === "stop") process.exit(0);
  }
})();
