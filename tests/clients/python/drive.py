"""Drives the gate with the official package: nothing but the base URL and the key are the gate's.

OPENAI_BASE_URL and OPENAI_API_KEY come from the environment, as the package reads them. Prints one JSON document with
what happened; any surprise ends it with an exception.
"""

import asyncio
import json

import openai

client = openai.OpenAI(max_retries=0)
seen = {}


def ask(text, **more):
    return client.chat.completions.create(
        model="mock-1", messages=[{"role": "user", "content": text}], **more
    )


# A plain call, with its headers.
raw = client.chat.completions.with_raw_response.create(
    model="mock-1", messages=[{"role": "user", "content": "!mock tokens=5 prompt=3"}]
)
answer = raw.parse()
seen["text"] = answer.choices[0].message.content
seen["completion_tokens"] = answer.usage.completion_tokens
seen["cost"] = raw.headers["x-t4-cost-usd"]
seen["call_id"] = raw.headers["x-t4-call-id"]

# A stream, with usage.
parts, usage = [], None
for chunk in ask("!mock tokens=9 prompt=3", stream=True, stream_options={"include_usage": True}):
    if chunk.choices and chunk.choices[0].delta.content:
        parts.append(chunk.choices[0].delta.content)
    if chunk.usage:
        usage = chunk
seen["streamed"] = "".join(parts)
seen["stream_completion_tokens"] = usage.usage.completion_tokens
seen["stream_cost"] = usage.model_extra["t4"]["cost_usd"]

# A stream without usage has a choice in every chunk.
seen["plain_stream_frames"] = len([chunk.choices[0] for chunk in ask("!mock tokens=4", stream=True)])

# Tools.
tool = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}},
}
called = ask("!mock tool=1 tokens=4", tools=[tool])
seen["tool"] = called.choices[0].message.tool_calls[0].function.name

# Several answers at once.
seen["choices"] = len(ask("!mock tokens=2", n=3).choices)

# Models and embeddings.
seen["models"] = sorted(model.id for model in client.models.list())
embedded = client.embeddings.create(model="mock-embed", input="some words", encoding_format="float")
seen["embedding"] = embedded.data[0].embedding


def refusal(call):
    try:
        call()
    except openai.APIStatusError as error:
        return [type(error).__name__, error.status_code, error.code, error.type, error.param]
    raise AssertionError("it was not refused")


seen["quota"] = refusal(lambda: ask("hello", n=100, max_tokens=4096))
seen["unknown_model"] = refusal(
    lambda: client.chat.completions.create(model="nobody", messages=[{"role": "user", "content": "x"}])
)
seen["above_cap"] = refusal(lambda: ask("hello", max_tokens=1_000_000))
stranger = openai.OpenAI(api_key="t4_000000000000_nobody", max_retries=0)
seen["stranger"] = refusal(lambda: stranger.models.list())


# The asynchronous client, many at a time.
async def many():
    async with openai.AsyncOpenAI(max_retries=0) as fast:
        calls = [
            fast.chat.completions.create(
                model="mock-1", messages=[{"role": "user", "content": f"!mock tokens=2 label={n}"}], max_tokens=4
            )
            for n in range(10)
        ]
        return len(await asyncio.gather(*calls))


seen["many"] = asyncio.run(many())

# A caller that leaves in the middle of a stream.
with ask("!mock tokens=64 frame_ms=2 prompt=3", stream=True) as leaving:
    next(iter(leaving))
seen["left"] = True

print(json.dumps(seen))
