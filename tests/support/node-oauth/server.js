'use strict';

/* A token endpoint on @node-oauth/oauth2-server, on Node's own http(s) and with a model in memory:
 * password and refresh grant, one confidential client, one public client, one user.
 *
 *   node server.js --port 0 [--bind 127.0.0.1] [--tls-cert F --tls-key F [--tls-ca F]]
 *                  [--ready-file F] [--outlive-caller]
 *
 * It stays in the foreground until SIGTERM. See README.md in the folder above. */

const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const path = require('node:path');
const { parseArgs } = require('node:util');
const OAuth2Server = require('@node-oauth/oauth2-server');

const BODY_MAX_BYTES = 64 * 1024;
const CALLER_CHECK_MS = 500;
const SCOPES = ['hr.read', 'hr.write'];
const GRANTS = ['password', 'refresh_token'];

/* The characters at the ends differ between "as it is" and "form-encoded": a mistaken escaping
 * of a credential shows at once. */
const ACCOUNTS = {
  client_id: 'portal',
  client_secret: `${crypto.randomBytes(18).toString('hex')}/+%`,
  public_client_id: 'portal-public',
  username: 'user-1@example.com',
  password: `${crypto.randomBytes(9).toString('hex')} &=+%é`,
  scope: SCOPES[0],
};

function readOptions() {
  const { values } = parseArgs({
    options: {
      port: { type: 'string' },
      bind: { type: 'string', default: '127.0.0.1' },
      'tls-cert': { type: 'string' },
      'tls-key': { type: 'string' },
      'tls-ca': { type: 'string' },
      'ready-file': { type: 'string' },
      'outlive-caller': { type: 'boolean', default: false },
    },
  });
  if (!/^\d{1,5}$/.test(values.port ?? '')) {
    throw new Error('--port is needed: a number, 0 takes a free one');
  }
  if (Boolean(values['tls-cert']) !== Boolean(values['tls-key'])) {
    throw new Error('--tls-cert and --tls-key go together');
  }
  return values;
}

/* The model that the library asks: https://node-oauthoauth2-server.readthedocs.io */
function makeModel() {
  const clients = new Map([
    [ACCOUNTS.client_id, { secret: ACCOUNTS.client_secret, grants: GRANTS }],
    [ACCOUNTS.public_client_id, { secret: null, grants: GRANTS }],
  ]);
  const refreshTokens = new Map();

  return {
    async getClient(id, secret) {
      const client = clients.get(id);
      if (!client || (client.secret !== null && client.secret !== secret)) {
        return null;
      }
      return { id, grants: client.grants };
    },
    async getUser(username, password) {
      const isRight = username === ACCOUNTS.username && password === ACCOUNTS.password;
      return isRight ? { id: username } : null;
    },
    async validateScope(_user, _client, scope = SCOPES) {
      return scope.every((one) => SCOPES.includes(one)) ? scope : false;
    },
    async saveToken(token, client, user) {
      const saved = { ...token, client, user };
      refreshTokens.set(token.refreshToken, saved);
      return saved;
    },
    async getRefreshToken(refreshToken) {
      return refreshTokens.get(refreshToken) ?? null;
    },
    async revokeToken(token) {
      return refreshTokens.delete(token.refreshToken);
    },
  };
}

async function readBody(request) {
  const pieces = [];
  let size = 0;
  for await (const piece of request) {
    size += piece.length;
    if (size > BODY_MAX_BYTES) {
      throw new Error('request body too large');
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

/* Run one request through the library; a refusal fills the response just as a success does,
 * except where the library throws before it looks at the client (wrong method or media type). */
async function answerToken(oauth, incoming) {
  const form = Object.fromEntries(new URLSearchParams(await readBody(incoming)));
  const request = new OAuth2Server.Request({
    headers: incoming.headers, method: incoming.method, query: {}, body: form,
  });
  const response = new OAuth2Server.Response();
  try {
    await oauth.token(request, response);
  } catch (error) {
    if (response.status === 200) {
      response.status = error.code ?? 500;
      response.body = { error: error.name, error_description: error.message };
    }
  }
  return response;
}

function makeHandler() {
  const oauth = new OAuth2Server({
    model: makeModel(),
    accessTokenLifetime: 3600,
    requireClientAuthentication: { password: false, refresh_token: false }, // the public client
  });

  return async (incoming, outgoing) => {
    const { pathname } = new URL(incoming.url, 'http://localhost');
    if (pathname !== '/token') {
      outgoing.writeHead(404).end();
      return;
    }
    const { status, headers, body } = await answerToken(oauth, incoming);
    outgoing.writeHead(status, { ...headers, 'content-type': 'application/json; charset=utf-8' });
    outgoing.end(JSON.stringify(body));
  };
}

function writeReady(file, facts) {
  const scratch = `${file}.${process.pid}`;
  fs.writeFileSync(scratch, `${JSON.stringify(facts, null, 2)}\n`, { mode: 0o600 });
  fs.renameSync(scratch, file); // a caller that waits for the file never sees half of it
}

function stopWithCaller(stop) {
  const caller = process.ppid;
  setInterval(() => {
    if (process.ppid !== caller) {
      stop();
    }
  }, CALLER_CHECK_MS).unref();
}

function main() {
  const options = readOptions();
  const readyFile = options['ready-file'];
  const isTls = Boolean(options['tls-cert']);
  const answer = makeHandler();
  const handler = (incoming, outgoing) => {
    answer(incoming, outgoing).catch((error) => {
      console.error(`node-oauth: ${error.message}`);
      outgoing.destroy();
    });
  };
  const server = isTls
    ? https.createServer({
      cert: fs.readFileSync(options['tls-cert']), key: fs.readFileSync(options['tls-key']),
    }, handler)
    : http.createServer(handler);
  const stop = () => {
    if (readyFile) {
      fs.rmSync(readyFile, { force: true });
    }
    process.exit(0);
  };

  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  if (!options['outlive-caller']) {
    stopWithCaller(stop);
  }
  if (readyFile) {
    fs.rmSync(readyFile, { force: true }); // of an earlier run that was killed
  }
  server.on('error', (error) => {
    console.error(`node-oauth: ${error.message}`);
    process.exit(1);
  });
  server.listen(Number(options.port), options.bind, () => {
    const host = options.bind.includes(':') ? `[${options.bind}]` : options.bind;
    const url = `${isTls ? 'https' : 'http'}://${host}:${server.address().port}/token`;
    const facts = { pid: process.pid, token_url: url, ...ACCOUNTS };
    if (options['tls-ca']) {
      facts.ca = path.resolve(options['tls-ca']);
    }
    if (readyFile) {
      writeReady(readyFile, facts);
    }
    console.error(`node-oauth: ready at ${url}`);
  });
}

try {
  main();
} catch (error) {
  console.error(`node-oauth: ${error.message}`);
  process.exit(2);
}
