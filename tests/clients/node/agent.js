'use strict';
// A real agent for a test, $SIDEMETER_BINARY or build/release/sidemeter, and one of paper that keeps what it was sent.

const { spawn } = require('child_process');
const { once } = require('events');
const fs = require('fs');
const http = require('http');
const net = require('net');
const os = require('os');
const path = require('path');
const { setTimeout: sleep } = require('timers/promises');

const PATIENCE_MS = 30_000;
const BINARY = process.env.SIDEMETER_BINARY ?? path.join(__dirname, '../../../build/release/sidemeter');

// Waits for condition() to give something, and answers with it.
async function until(condition, what) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (Date.now() > end) throw new Error(`did not come: ${what}`);
    await sleep(20);
  }
}

function fetchText(url) {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part) => (text += part));
      response.on('end', () => resolve(text));
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}

class Agent {
  static async start() {
    const agent = new Agent();
    agent.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sidemeter-'));
    agent.socket = path.join(agent.folder, 's.sock');
    agent.process = spawn(BINARY, ['serve', '--socket', agent.socket, '--listen', '127.0.0.1:0'],
      { stdio: ['ignore', 'ignore', 'pipe'] });
    let log = '';
    agent.process.stderr.on('data', (part) => (log += part));
    const [, address] = await until(() => /scrapes".*?address"?[=:]"?([0-9.]+:\d+)/.exec(log), `an address in ${log}`);
    agent.url = `http://${address}/metrics`;
    return agent;
  }

  text() {
    return fetchText(this.url);
  }

  // The samples that are not the agent's own: { 'name{a="b"}': 1 }.
  async samples() {
    const lines = (await this.text()).split('\n').filter((line) => line && !/^(#|sidemeter_)/.test(line));
    return Object.fromEntries(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').pop())]));
  }

  async end() {
    this.process.kill('SIGTERM');
    await once(this.process, 'exit');
    fs.rmSync(this.folder, { recursive: true });
  }
}

// Accepts sessions and keeps their text, one entry a session; reads only where `reads`. Answers no sync.
class PaperAgent {
  static async start({ reads = true, socket } = {}) {
    const agent = new PaperAgent();
    agent.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sidemeter-'));
    agent.socket = socket ?? path.join(agent.folder, 's.sock');
    agent.sessions = [];
    agent.sockets = [];
    agent.server = net.createServer({ pauseOnConnect: !reads }, (connection) => {
      const index = agent.sessions.push('') - 1;
      agent.sockets.push(connection);
      connection.setEncoding('utf8');
      connection.on('data', (text) => (agent.sessions[index] += text));
      connection.on('error', () => {});
    });
    agent.server.listen(agent.socket);
    await once(agent.server, 'listening');
    return agent;
  }

  async end() {
    for (const connection of this.sockets) connection.destroy();
    this.server.close();
    await once(this.server, 'close');
    fs.rmSync(this.folder, { recursive: true });
  }
}

module.exports = { Agent, PaperAgent, until, fetchText };
