"""The package openai of PyPI asks a server: python asks.py URL. Prints JSON: what it heard."""

import json
import sys

import openai

client = openai.OpenAI(base_url=sys.argv[1], api_key="none-is-needed", max_retries=0)
messages = [{"role": "user", "content": "Tell me of a dog."}]
asked = {"model": "fable", "messages": messages, "max_tokens": 30, "temperature": 0, "extra_body": {"budget": 40}}
heard = {"models": [one.id for one in client.models.list()]}
whole = client.chat.completions.create(**asked)
heard["whole"] = whole.choices[0].message.content
heard["evicted"] = whole.usage.kvcap["evicted"]
heard["streamed"] = "".join(
    chunk.choices[0].delta.content or "" for chunk in client.chat.completions.create(**asked, stream=True)
)
heard["text"] = client.completions.create(model="fable", prompt="Once upon a time", max_tokens=20, temperature=0).choices[0].text
schema = {"type": "object", "properties": {"pet": {"enum": ["dog", "cat"]}}, "required": ["pet"], "additionalProperties": False}
form = {"type": "json_schema", "json_schema": {"name": "pet", "strict": True, "schema": schema}}
heard["form"] = json.loads(client.chat.completions.create(**asked, response_format=form).choices[0].message.content)
call = '<tool_call>{"name": "look", "arguments": {"at": "x"}}</tool_call>'
body = {**asked["extra_body"], "grammar": "root ::= " + json.dumps(call)}
tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
called = client.chat.completions.create(**{**asked, "extra_body": body, "max_tokens": 100}, tools=tools).choices[0]
heard["call"] = [called.finish_reason, called.message.tool_calls[0].function.name, called.message.tool_calls[0].function.arguments]
try:
    client.chat.completions.create(**{**asked, "model": "none"})
except openai.NotFoundError as error:
    heard["refused"] = error.body["message"]
stream = client.chat.completions.create(**{**asked, "max_tokens": 200}, stream=True)
next(iter(stream))
stream.close()
print(json.dumps(heard))
