// The Runtime API's loop for Node, without anything that Lambda's own would add: this is kinder to
// Node than the managed runtime is.
"use strict";

const http = require("http");

const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1, noDelay: true });
const base = "/2018-06-01/runtime/invocation";

function ask(method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) };
    const request = http.request({ hostname, port, method, path, agent, headers }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => resolve({ headers: answer.headers, text: Buffer.concat(parts).toString() }));
      answer.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

exports.run = async (warm, handle) => {
  await warm();
  for (;;) {
    const next = await ask("GET", `${base}/next`);
    const id = next.headers["lambda-runtime-aws-request-id"];
    try {
      const answer = await handle(JSON.parse(next.text), id);
      await ask("POST", `${base}/${id}/response`, JSON.stringify(answer));
    } catch (error) {
      const words = { errorType: error.name, errorMessage: error.message };
      await ask("POST", `${base}/${id}/error`, JSON.stringify(words));
    }
  }
};
