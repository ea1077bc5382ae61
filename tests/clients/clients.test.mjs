// The official JavaScript clients against a running gateway: what they parse, raise and add up on their own.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { startGateway } from './gateway.mjs';

const answer = 'Mock response to: Hello there';
const messages = [{ role: 'user', content: 'Hello there' }];
let gateway, openai, anthropic, ollama;

before(async () => {
  gateway = await startGateway(process.env.GATEWAY_DLL);
  openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'any', maxRetries: 0 });
  anthropic = new Anthropic({ baseURL: gateway.url, apiKey: 'any', maxRetries: 0 });
  ollama = new Ollama({ host: gateway.url });
});
after(() => gateway?.stop());

test('openai: a whole answer', async () => {
  const reply = await openai.chat.completions.create({ model: 'mock/mock', messages });
  assert.equal(reply.choices[0].message.content, answer);
  assert.ok(reply.usage.total_tokens > 0);
});

test('openai: a stream with usage', async () => {
  let text = '', usage;
  for await (const chunk of await openai.chat.completions.create({ model: 'mock/mock', messages, stream: true, stream_options: { include_usage: true } })) {
    text += chunk.choices[0]?.delta.content ?? '';
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, answer);
  assert.ok(usage.completion_tokens > 0);
});

test('openai: a list of models', async () => {
  const names = [];
  for await (const model of openai.models.list()) names.push(model.id);
  assert.ok(names.includes('agent:writer'));
});

test('openai: errors by status', async () => {
  await assert.rejects(openai.chat.completions.create({ model: 'agent:nobody', messages }), OpenAI.NotFoundError);
  await assert.rejects(openai.chat.completions.create({ model: 'limited/m', messages }), OpenAI.RateLimitError);
});

test('openai: a stream that breaks is raised', async () => {
  await assert.rejects(async () => {
    for await (const _ of await openai.chat.completions.create({ model: 'broken/m', messages, stream: true }));
  }, OpenAI.APIError);
});

test('anthropic: a whole answer', async () => {
  const reply = await anthropic.messages.create({ model: 'agent:writer', max_tokens: 100, messages });
  assert.deepEqual(reply.content.map(block => block.text), [answer]);
  assert.equal(reply.stop_reason, 'end_turn');
  assert.ok(reply.usage.output_tokens > 0);
  assert.ok(reply._request_id);
});

test('anthropic: the stream adds up to the same message', async () => {
  const stream = anthropic.messages.stream({ model: 'agent:writer', max_tokens: 100, messages });
  let text = '';
  stream.on('text', piece => { text += piece; });
  const final = await stream.finalMessage();
  assert.equal(text, answer);
  assert.equal(final.content[0].text, answer);
  assert.equal(final.stop_reason, 'end_turn');
  assert.ok(final.usage.output_tokens > 0);
});

test('anthropic: tokens are counted', async () => {
  const count = await anthropic.messages.countTokens({ model: 'agent:writer', messages });
  assert.ok(count.input_tokens > 0);
});

test('anthropic: errors by status', async () => {
  await assert.rejects(anthropic.messages.create({ model: 'agent:nobody', max_tokens: 1, messages }), Anthropic.NotFoundError);
  await assert.rejects(anthropic.messages.create({ model: 'limited/m', max_tokens: 1, messages }), Anthropic.RateLimitError);
  await assert.rejects(anthropic.messages.create({ model: 'agent:writer', messages }), Anthropic.BadRequestError);
});

test('anthropic: a stream that breaks is raised', async () => {
  await assert.rejects(anthropic.messages.stream({ model: 'broken/m', max_tokens: 100, messages }).finalMessage(), Anthropic.APIError);
});

test('ollama: a whole answer', async () => {
  const reply = await ollama.chat({ model: 'agent:writer', messages });
  assert.equal(reply.message.content, answer);
  assert.equal(reply.done_reason, 'stop');
  assert.ok(reply.eval_count > 0 && reply.eval_duration > 0);
});

test('ollama: a stream', async () => {
  let text = '', last;
  for await (const part of await ollama.chat({ model: 'agent:writer', messages, stream: true })) {
    text += part.message.content;
    last = part;
  }
  assert.equal(text, answer);
  assert.equal(last.done, true);
});

test('ollama: a prompt', async () => {
  const reply = await ollama.generate({ model: 'agent:writer', prompt: 'Hello there' });
  assert.equal(reply.response, answer);
});

test('ollama: lists, show, version', async () => {
  const { models } = await ollama.list();
  assert.ok(models.some(model => model.name === 'agent:writer'));
  assert.ok((await ollama.show({ model: 'agent:writer' })).capabilities.includes('completion'));
  assert.deepEqual((await ollama.ps()).models, []);
  assert.ok((await ollama.version()).version);
});

test('ollama: errors', async () => {
  await assert.rejects(ollama.chat({ model: 'agent:nobody', messages }), /no agent/);
  await assert.rejects(async () => {
    for await (const _ of await ollama.chat({ model: 'broken/m', messages, stream: true }));
  });
});
