// The frameworks that applications are built with, against a running gateway: each reads answers more strictly than the official clients do.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import Anthropic from '@anthropic-ai/sdk';
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';
import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import { tool as langChainTool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { embedMany, generateText, stepCountIs, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { z } from 'zod';
import { startGateway } from './gateway.mjs';

const answer = 'Mock response to: Hello there';
const question = 'What is 2+2*3?';
const toolAnswer = 'Mock answer from calculator: 8';
const expression = z.object({ expression: z.string() });
let gateway;

before(async () => { gateway = await startGateway(process.env.GATEWAY_DLL); });
after(() => gateway?.stop());

const vercelModels = () => [
  createOpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'any' }).chat('agent:writer'),
  createAnthropic({ baseURL: `${gateway.url}/v1`, apiKey: 'any' })('agent:writer'),
];
const vercelTools = () => ({ calculator: tool({ inputSchema: expression, execute: async ({ expression }) => expression === '2+2*3' ? '8' : 'wrong' }) });
const langChain = model => new ChatOpenAI({ model, apiKey: 'any', maxRetries: 0, configuration: { baseURL: `${gateway.url}/v1` } });

test('vercel: whole answers', async () => {
  for (const model of vercelModels()) {
    const { text, usage, finishReason } = await generateText({ model, prompt: 'Hello there', maxOutputTokens: 100, maxRetries: 0 });
    assert.equal(text, answer);
    assert.equal(finishReason, 'stop');
    assert.ok(usage.totalTokens > 0);
  }
});

test('vercel: streams', async () => {
  for (const model of vercelModels()) {
    const result = streamText({ model, prompt: 'Hello there', maxOutputTokens: 100, maxRetries: 0 });
    let text = '';
    for await (const piece of result.textStream) text += piece;
    assert.equal(text, answer);
    assert.ok((await result.usage).outputTokens > 0);
  }
});

test('vercel: tool loops, whole and streamed', async () => {
  for (const model of vercelModels()) {
    const call = { model, prompt: question, tools: vercelTools(), stopWhen: stepCountIs(3), maxOutputTokens: 100, maxRetries: 0 };
    const whole = await generateText(call);
    assert.deepEqual([whole.text, whole.steps.length], [toolAnswer, 2]);
    const streamed = streamText(call);
    await streamed.consumeStream();
    assert.deepEqual([await streamed.text, (await streamed.steps).length], [toolAnswer, 2]);
  }
});

test('vercel: embeddings', async () => {
  const model = createOpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'any' }).embedding('mock/mock');
  const { embeddings } = await embedMany({ model, values: ['a', 'b'], maxRetries: 0 });
  assert.equal(embeddings.length, 2);
});

test('vercel: errors, and a stream that breaks', async () => {
  const provider = createOpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'any' });
  await assert.rejects(generateText({ model: provider.chat('agent:nobody'), prompt: 'a', maxRetries: 0 }), error => error.statusCode === 404 && !error.isRetryable);
  const raised = [];
  await streamText({ model: provider.chat('broken/m'), prompt: 'a', maxRetries: 0, onError: ({ error }) => raised.push(error) }).consumeStream();
  assert.equal(raised.length, 1);
});

test('langchain: whole answer and stream', async () => {
  const reply = await langChain('agent:writer').invoke('Hello there');
  assert.equal(reply.content, answer);
  assert.ok(reply.usage_metadata.total_tokens > 0);
  let whole;
  for await (const chunk of await langChain('agent:writer').stream('Hello there')) whole = whole ? whole.concat(chunk) : chunk;
  assert.equal(whole.content, answer);
  assert.equal(whole.usage_metadata.total_tokens, reply.usage_metadata.total_tokens);
});

test('langchain: a tool goes there and back', async () => {
  const calculator = langChainTool(async () => '8', { name: 'calculator', description: 'sums', schema: expression });
  const model = langChain('agent:writer').bindTools([calculator]);
  const messages = [new HumanMessage(question)];
  const call = await model.invoke(messages);
  assert.deepEqual(call.tool_calls.map(({ name, args }) => ({ name, args })), [{ name: 'calculator', args: { expression: '2+2*3' } }]);
  messages.push(call, new ToolMessage({ content: '8', tool_call_id: call.tool_calls[0].id }));
  assert.equal((await model.invoke(messages)).content, toolAnswer);
});

test('langchain: embeddings and errors', async () => {
  const vectors = await new OpenAIEmbeddings({ model: 'mock/mock', apiKey: 'any', maxRetries: 0, configuration: { baseURL: `${gateway.url}/v1` } }).embedDocuments(['a', 'b']);
  assert.equal(vectors.length, 2);
  await assert.rejects(langChain('agent:nobody').invoke('a'), error => error.status === 404);
  await assert.rejects(async () => {
    for await (const _ of await langChain('broken/m').stream('a'));
  });
});

test('openai: the tool runner', async () => {
  const openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'any', maxRetries: 0 });
  const calculator = { type: 'function', function: { name: 'calculator', description: 'sums', parse: JSON.parse, parameters: { type: 'object', properties: { expression: { type: 'string' } } }, function: () => '8' } };
  for (const stream of [false, true]) {
    const runner = openai.chat.completions.runTools({ model: 'agent:writer', stream, messages: [{ role: 'user', content: question }], tools: [calculator] });
    assert.equal(await runner.finalContent(), toolAnswer);
  }
});

test('anthropic: the tool runner sends all of the conversation', async () => {
  const anthropic = new Anthropic({ baseURL: gateway.url, apiKey: 'any', maxRetries: 0 });
  const calculator = betaTool({ name: 'calculator', description: 'sums', inputSchema: { type: 'object', properties: { expression: { type: 'string' } } }, run: () => '8' });
  const final = await anthropic.beta.messages.toolRunner({ model: 'agent:writer', max_tokens: 100, messages: [{ role: 'user', content: question }], tools: [calculator] });
  assert.equal(final.content[0].text, toolAnswer);
});
