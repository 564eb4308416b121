// Services by others: jose checks tokens by discovery, and oauth4webapi finds us from a service.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as jose from 'jose'
import * as oauth from 'oauth4webapi'
import { getListFromStatusListJWT, getStatusListFromJWT } from '@sd-jwt/jwt-status-list'
import { Person } from './person.js'
import { freePort } from './server.js'

const CALLBACK = 'http://127.0.0.1:7657/callback'
const insecure = { [oauth.allowInsecureRequests]: true }

// What a verifier does that is given the name of an issuer.
async function verifier(issuer, audience) {
  const found = await fetch(`${issuer}/.well-known/openid-configuration`).then((answer) => answer.json())
  assert.equal(found.issuer, issuer)
  const algorithms = found.id_token_signing_alg_values_supported
  const keys = jose.createRemoteJWKSet(new URL(found.jwks_uri))
  return (token) => jose.jwtVerify(token, keys, { issuer, audience, typ: 'at+jwt', algorithms })
}

// Tokens of a person who is there, for one service.
async function signIn(as, scope, resource) {
  const client = { client_id: 'demo-messenger' }
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const url = new URL(as.authorization_endpoint)
  for (const [name, value] of Object.entries({
    client_id: client.client_id,
    redirect_uri: CALLBACK,
    response_type: 'code',
    scope,
    resource,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })) {
    url.searchParams.set(name, value)
  }
  const person = new Person(as.issuer)
  const { away } = await person.signIn(await person.go(url), 'temuulen')
  const parameters = oauth.validateAuthResponse(as, client, away, state)
  const answer = await oauth.authorizationCodeGrantRequest(
    as,
    client,
    oauth.None(),
    parameters,
    CALLBACK,
    verifier,
    insecure,
  )
  return oauth.processAuthorizationCodeResponse(as, client, answer)
}

// A resource server by nobody in particular: it says where its metadata lies, and checks tokens.
function resourceServer(metadata, check) {
  const server = createServer(async (request, response) => {
    const token = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
    const claims = token && (await check()(token).catch(() => undefined))
    if (claims) return response.end(JSON.stringify({ sub: claims.payload.sub }))
    const error = token ? 'error="invalid_token", ' : ''
    response.writeHead(401, { 'www-authenticate': `Bearer ${error}resource_metadata="${metadata()}"` }).end()
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}

// The messenger of examples/messenger, and what it prints.
const binary = process.env.MESSENGER_BINARY ?? '../../target/debug/messenger'

function messenger(...words) {
  const child = spawn(binary, words, { stdio: ['pipe', 'pipe', 'pipe'] })
  let said = ''
  child.stdout.on('data', (piece) => (said += piece))
  child.stderr.on('data', (piece) => (said += piece))
  const ended = new Promise((resolve) => child.on('exit', resolve))
  return {
    async hears(pattern) {
      for (let asked = 0; asked < 400; asked++) {
        const found = pattern.exec(said)
        if (found) return found
        await new Promise((resolve) => setTimeout(resolve, 25))
      }
      throw new Error(`${pattern} was not said:\n${said}`)
    },
    async leave() {
      child.stdin.end()
      await ended
    },
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

export const tests = (server) => ({
  async 'oauth4webapi and the messenger: found by the chat server alone, bound from key to refresh token'() {
    const { issuer } = server
    const address = `127.0.0.1:${await freePort()}`
    const at = new URL(`http://${address}`)
    const claims = ['--claim', 'preferred_username={username}', '--claim', 'name={name}']
    const words = ['--audience', at.origin, '--scope', 'hall:use', '--metadata', '--status-list', ...claims]
    server.command('service', 'add', 'hall', ...words, '--proof', 'dpop')
    server.command('client', 'edit', 'demo-messenger', '--add-scope', 'hall:use')
    await new Promise((resolve) => setTimeout(resolve, 1000))
    const folder = mkdtempSync(join(tmpdir(), 'gerege-messenger-'))
    const own = ['--service', 'hall', '--audience', at.origin, '--scope', 'hall:use']
    const hall = messenger('server', '--issuer', issuer, '--server', address, ...own)
    const chat = () => messenger('chat', '--find', '--server', address, '--folder', folder, '--no-browser')
    try {
      await hall.hears(/Chat server on /)
      // The app knows the chat server alone, and so does another one.
      const first = chat()
      const url = (await first.hears(/\n {2}(http\S+)\n/))[1]
      assert.ok(url.startsWith(`${issuer}/oauth2/authorize?`))
      const person = new Person(issuer)
      const { away } = await person.signIn(await person.go(url), 'temuulen')
      assert.match(await fetch(away).then((page) => page.text()), /You are signed in/)
      await first.hears(/You are signed in as temuulen/)
      await first.leave()
      for (const file of ['stay.json', 'key.der']) {
        assert.equal(statSync(join(folder, file)).mode & 0o777, 0o600)
      }
      const asked = oauth.protectedResourceRequest('none', 'GET', at, undefined, undefined, insecure)
      const challenges = await asked.then(
        () => assert.fail('it let in a stranger'),
        (why) => why.cause,
      )
      const { resource_metadata } = challenges.find((one) => one.scheme === 'dpop').parameters
      const resource = await oauth.processResourceDiscoveryResponse(at, await fetch(resource_metadata))
      assert.equal(resource.dpop_bound_access_tokens_required, true)
      const named = new URL(resource.authorization_servers[0])
      const as = await oauth
        .discoveryRequest(named, insecure)
        .then((answer) => oauth.processDiscoveryResponse(named, answer))
      // Whoever steals the refresh token gets nothing by it, and ends nothing.
      const stolen = JSON.parse(readFileSync(join(folder, 'stay.json'))).refresh_token
      const client = { client_id: 'demo-messenger' }
      const key = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
      for (const options of [insecure, { ...insecure, DPoP: key }]) {
        const tried = oauth
          .refreshTokenGrantRequest(as, client, oauth.None(), stolen, options)
          .then((answer) => oauth.processRefreshTokenResponse(as, client, answer))
        await assert.rejects(tried, { error: 'invalid_grant' })
      }
      const second = chat()
      await second.hears(/Signing in…[^]*You are signed in as temuulen/)
      await second.leave()
    } finally {
      await hall.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  },

  async 'jose: a service that is its own issuer takes its own tokens and no other'() {
    const { issuer } = server
    for (const name of ['desk', 'shelf']) {
      const words = ['--audience', `https://${name}.example`, '--scope', `${name}:use`, '--own-issuer']
      server.command('service', 'add', name, ...words, '--algorithm', 'EdDSA')
      server.command('client', 'edit', 'demo-messenger', '--add-scope', `${name}:use`)
    }
    await new Promise((resolve) => setTimeout(resolve, 1000))
    const as = await oauth
      .discoveryRequest(new URL(issuer), insecure)
      .then((answer) => oauth.processDiscoveryResponse(new URL(issuer), answer))
    const desk = await verifier(`${issuer}/services/desk`, 'https://desk.example')
    const shelf = await verifier(`${issuer}/services/shelf`, 'https://shelf.example')
    const forDesk = await signIn(as, 'openid desk:use', 'https://desk.example')
    const forShelf = await signIn(as, 'openid shelf:use', 'https://shelf.example')
    assert.equal((await desk(forDesk.access_token)).payload.scope, 'desk:use')
    assert.equal((await shelf(forShelf.access_token)).payload.scope, 'shelf:use')
    await assert.rejects(desk(forShelf.access_token))
    await assert.rejects(shelf(forDesk.access_token))
    await assert.rejects(desk(forDesk.id_token))
  },

  async '@sd-jwt/jwt-status-list: a token that was ended is marked in its list'() {
    const { issuer } = server
    const words = ['--audience', 'https://club.example', '--scope', 'club:use', '--status-list']
    server.command('service', 'add', 'club', ...words)
    server.command('client', 'edit', 'demo-messenger', '--add-scope', 'club:use')
    await new Promise((resolve) => setTimeout(resolve, 1000))
    const as = await oauth
      .discoveryRequest(new URL(issuer), insecure)
      .then((answer) => oauth.processDiscoveryResponse(new URL(issuer), answer))
    const tokens = await signIn(as, 'openid club:use', 'https://club.example')
    const other = await signIn(as, 'openid club:use', 'https://club.example')
    const keys = jose.createRemoteJWKSet(new URL(as.jwks_uri))
    const status = async (token) => {
      const { idx, uri } = getStatusListFromJWT(token)
      const answer = await fetch(uri, { headers: { accept: 'application/statuslist+jwt' } })
      assert.equal(answer.headers.get('content-type'), 'application/statuslist+jwt')
      const list = await answer.text()
      const { payload } = await jose.jwtVerify(list, keys, { typ: 'statuslist+jwt', subject: uri })
      assert.ok(payload.ttl <= 10)
      return getListFromStatusListJWT(list).getStatus(idx)
    }
    assert.equal(await status(tokens.access_token), 0)
    const client = { client_id: 'demo-messenger' }
    await oauth
      .revocationRequest(as, client, oauth.None(), tokens.refresh_token, insecure)
      .then(oauth.processRevocationResponse)
    await new Promise((resolve) => setTimeout(resolve, 600))
    assert.equal(await status(tokens.access_token), 1)
    assert.equal(await status(other.access_token), 0)
  },

  async 'oauth4webapi: an app that knows the service alone finds us by its metadata'() {
    const { issuer } = server
    let metadata, check
    const room = await resourceServer(
      () => metadata,
      () => check,
    )
    try {
      const at = new URL(`http://127.0.0.1:${room.address().port}`)
      const words = ['--audience', at.origin, '--scope', 'room:use', '--metadata', '--algorithm', 'ES256']
      const added = JSON.parse(server.command('service', 'add', 'room', ...words, '--json'))
      metadata = added.metadata
      const keys = jose.createRemoteJWKSet(new URL(added.jwks_uri))
      check = (token) => jose.jwtVerify(token, keys, { issuer, audience: at.origin, typ: 'at+jwt' })
      server.command('client', 'edit', 'demo-messenger', '--add-scope', 'room:use')
      await new Promise((resolve) => setTimeout(resolve, 1000))
      // From here on the app knows `at` and nothing else.
      const asked = oauth.protectedResourceRequest('none', 'GET', at, undefined, undefined, insecure)
      const challenge = await asked.then(
        () => assert.fail('it let in a stranger'),
        (why) => why.cause.find((one) => one.scheme === 'bearer'),
      )
      const told = await fetch(challenge.parameters.resource_metadata)
      const resource = await oauth.processResourceDiscoveryResponse(at, told.clone())
      await assert.rejects(oauth.processResourceDiscoveryResponse(new URL('https://other.example'), told))
      const named = new URL(resource.authorization_servers[0])
      const as = await oauth
        .discoveryRequest(named, insecure)
        .then((answer) => oauth.processDiscoveryResponse(named, answer))
      assert.ok(as.protected_resources.includes(resource.resource), 'the two name each other')
      const tokens = await signIn(as, resource.scopes_supported.join(' '), resource.resource)
      const used = await oauth.protectedResourceRequest(
        tokens.access_token,
        'GET',
        at,
        undefined,
        undefined,
        insecure,
      )
      assert.equal((await used.json()).sub.length > 0, true)
      // By the address that RFC 9728 3 makes of a name below ours the same document is found; it
      // names another resource, so an app that took ours for the service's does not take it.
      const below = new URL(`${issuer}/services/room`)
      const found = await oauth.resourceDiscoveryRequest(below, insecure)
      assert.equal(found.status, 200)
      await assert.rejects(oauth.processResourceDiscoveryResponse(below, found))
    } finally {
      room.close()
      room.closeAllConnections()
    }
  },
})
