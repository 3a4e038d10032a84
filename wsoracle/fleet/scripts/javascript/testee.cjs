// The client protocol of Autobahn's fuzzing server, for the client scripts beside this file: `node SCRIPT URL AGENT`.
// `open(url, onMessage)` opens a connection, calls onMessage(data) with its messages where that is given and echoes
// them where it is not, and returns a promise of the connection's end.
module.exports.run = async function run(open) {
  const [base, name] = process.argv.slice(2);
  const agent = encodeURIComponent(name);
  let count = null;
  await open(`${base}/getCaseCount`, (data) => {
    count = Number(String(data));
  });
  if (!Number.isInteger(count)) throw new Error("the server gave no number of cases");
  for (let number = 1; number <= count; number += 1) {
    await open(`${base}/runCase?case=${number}&agent=${agent}`);
  }
  // What wsoracle asks to be opened besides: the URIs of each probe at the same time.
  let probes = [];
  await open(`${base}/getProbes?agent=${agent}`, (data) => {
    probes = JSON.parse(String(data));
  });
  for (const { uris } of probes) {
    await Promise.all(uris.map((uri) => open(uri).catch((error) => console.log(uri, String(error)))));
  }
  await open(`${base}/updateReports?agent=${agent}`);
};
