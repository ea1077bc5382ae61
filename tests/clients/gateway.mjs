// Starts the built gateway in a folder of its own, with nothing behind it but the mock.
import { spawn } from 'node:child_process';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export async function startGateway(dll) {
  const folder = mkdtempSync(join(tmpdir(), 'llmgateway-clients-'));
  mkdirSync(join(folder, 'config'));
  writeFileSync(join(folder, 'config', 'agent_llm_config.json'), JSON.stringify({ agents: { writer: { provider: 'mock', model_name: 'mock' } } }));
  writeFileSync(join(folder, 'config', 'llm_settings.yaml'), [
    'providers:',
    '  broken: { type: mock, behavior: { fail: cut }, models: [m] }',
    '  limited: { type: mock, behavior: { status: 429, retry_after: 1 }, models: [m] }',
  ].join('\n'));
  const child = spawn('dotnet', [dll, '--urls', 'http://127.0.0.1:0'], {
    cwd: folder,
    // A port that refuses every connection stands for an Ollama that is not there.
    env: { PATH: process.env.PATH, HOME: process.env.HOME, DOTNET_ROOT: process.env.DOTNET_ROOT ?? '', OLLAMA_BASE_URL: 'http://127.0.0.1:1', NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise((resolve, reject) => {
    child.once('exit', code => reject(new Error(`the gateway ended with ${code}`)));
    createInterface({ input: child.stdout }).on('line', line => {
      const found = /listening at (http:[^,"\s]+)/.exec(line);
      if (found) resolve(found[1]);
    });
  });
  return {
    url,
    async stop() {
      const ended = new Promise(resolve => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
