// Drives the gate with the official package: nothing but the base URL and the key are the gate's.
//
// OPENAI_BASE_URL and OPENAI_API_KEY come from the environment, as the package reads them. Prints one JSON document
// with what happened; any surprise ends it with an exception.

import OpenAI from "openai";

const client = new OpenAI({ maxRetries: 0 });
const seen = {};

const ask = (text, more = {}) =>
  client.chat.completions.create({ model: "mock-1", messages: [{ role: "user", content: text }], ...more });

// A plain call, with its headers.
const { data, response } = await ask("!mock tokens=5 prompt=3").withResponse();
seen.text = data.choices[0].message.content;
seen.completion_tokens = data.usage.completion_tokens;
seen.cost = response.headers.get("x-t4-cost-usd");
seen.call_id = response.headers.get("x-t4-call-id");

// A stream, with usage.
let streamed = "";
let last = null;
for await (const chunk of await ask("!mock tokens=9 prompt=3", {
  stream: true,
  stream_options: { include_usage: true },
})) {
  streamed += chunk.choices[0]?.delta?.content ?? "";
  if (chunk.usage) last = chunk;
}
seen.streamed = streamed;
seen.stream_completion_tokens = last.usage.completion_tokens;
seen.stream_cost = last.t4.cost_usd;

// A stream without usage has a choice in every chunk.
let frames = 0;
for await (const chunk of await ask("!mock tokens=4", { stream: true })) {
  if (!chunk.choices[0]) throw new Error("a chunk without a choice");
  frames += 1;
}
seen.plain_stream_frames = frames;

// Tools.
const tool = {
  type: "function",
  function: { name: "look", parameters: { type: "object", properties: { at: { type: "string" } } } },
};
const called = await ask("!mock tool=1 tokens=4", { tools: [tool] });
seen.tool = called.choices[0].message.tool_calls[0].function.name;

// Several answers at once.
seen.choices = (await ask("!mock tokens=2", { n: 3 })).choices.length;

// Models and embeddings.
const models = [];
for await (const model of client.models.list()) models.push(model.id);
seen.models = models.sort();
const embedded = await client.embeddings.create({
  model: "mock-embed",
  input: "some words",
  encoding_format: "float",
});
seen.embedding = embedded.data[0].embedding;

const refusal = async (call) => {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof OpenAI.APIError)) throw error;
    return [error.constructor.name, error.status, error.code, error.type, error.param];
  }
  throw new Error("it was not refused");
};

seen.quota = await refusal(() => ask("hello", { n: 100, max_tokens: 4096 }));
seen.unknown_model = await refusal(() =>
  client.chat.completions.create({ model: "nobody", messages: [{ role: "user", content: "x" }] }),
);
seen.above_cap = await refusal(() => ask("hello", { max_tokens: 1000000 }));
const stranger = new OpenAI({ apiKey: "t4_000000000000_nobody", maxRetries: 0 });
seen.stranger = await refusal(() => stranger.models.list());

// Many at a time.
const calls = Array.from({ length: 10 }, (_, n) => ask(`!mock tokens=2 label=${n}`, { max_tokens: 4 }));
seen.many = (await Promise.all(calls)).length;

// A caller that leaves in the middle of a stream.
const leaving = await ask("!mock tokens=64 frame_ms=2 prompt=3", { stream: true });
for await (const _ of leaving) break;
leaving.controller.abort();
seen.left = true;

console.log(JSON.stringify(seen));
