// Client: the WebSocket of the platform (bun, deno), called with URL and AGENT. Its limits and its offer of
// permessage-deflate cannot be changed.
const [base, name] = globalThis.Deno ? Deno.args : process.argv.slice(2);
const agent = encodeURIComponent(name);

function open(url, onMessage) {
  return new Promise((resolve) => {
    const connection = new WebSocket(url);
    connection.binaryType = "arraybuffer";
    connection.onerror = (event) => console.log(url, event.message);
    connection.onclose = resolve;
    connection.onmessage = (event) => {
      if (onMessage) onMessage(event.data);
      else connection.send(event.data);
    };
  });
}

let count = null;
await open(`${base}/getCaseCount`, (data) => {
  count = Number(data);
});
if (!Number.isInteger(count)) throw new Error("the server gave no number of cases");
for (let number = 1; number <= count; number += 1) {
  await open(`${base}/runCase?case=${number}&agent=${agent}`);
}
// What wsoracle asks to be opened besides: the URIs of each probe at the same time.
let probes = [];
await open(`${base}/getProbes?agent=${agent}`, (data) => {
  probes = JSON.parse(data);
});
for (const { uris } of probes) {
  await Promise.all(uris.map((uri) => open(uri).catch((error) => console.log(uri, String(error)))));
}
await open(`${base}/updateReports?agent=${agent}`);
