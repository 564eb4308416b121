// Apps without a browser of their own, by openid-client, oauth4webapi and curl: approve on your
// phone (CIBA), the device grant, exchanges, and programs that keep a key.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import * as oidc from 'openid-client'
import * as oauth from 'oauth4webapi'
import * as jose from 'jose'
import { Person, heading } from './person.js'

const CALLBACK = 'http://127.0.0.1:7656/callback'
const insecure = { [oauth.allowInsecureRequests]: true }

// The page on which a person decides what an app's server asked.
async function asked(person) {
  let page = await person.go('/account/asked')
  if (heading(page) === 'Sign in') {
    await person.signIn(page, 'temuulen')
    page = await person.go('/account/asked')
  }
  const id = /name="asked" value="([^"]+)"/.exec(page.html)?.[1]
  assert.ok(id, 'nothing waits')
  return person.submit(page, { asked: id })
}

export function tests({ server, issuer, forum, keys }) {
  const discover = (id, auth, metadata) =>
    oidc.discovery(new URL(issuer), id, metadata, auth, { execute: [oidc.allowInsecureRequests] })
  const discovered = () =>
    oauth
      .discoveryRequest(new URL(issuer), insecure)
      .then((answer) => oauth.processDiscoveryResponse(new URL(issuer), answer))
  const add = (...words) => JSON.parse(server.command('client', 'add', ...words, '--json'))
  const scopes = ['openid', 'profile', 'offline_access'].flatMap((one) => ['--scope', one])
  const asks = (id, ...more) =>
    add(id, '--name', 'Steppe Bank', '--grant', 'ciba', '--grant', 'refresh_token', ...scopes, ...more)

  return {
    async 'openid-client: approve on your phone, polled'() {
      const { client_id, client_secret } = asks('bank')
      const config = await discover(client_id, oidc.ClientSecretBasic(client_secret))
      const begun = await oidc.initiateBackchannelAuthentication(config, {
        scope: 'openid profile offline_access',
        login_hint: 'temuulen',
        binding_message: 'W4SCT',
      })
      assert.equal(begun.interval, 5)
      const person = new Person(issuer)
      for (let looked = 0; !(await person.letter()).includes('W4SCT'); looked++) {
        assert.ok(looked < 200, 'no letter tells of it')
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      const polled = oidc.pollBackchannelAuthenticationGrant(config, begun)
      polled.catch(() => {})
      const page = await asked(person)
      assert.equal(heading(page), 'Let Steppe Bank go on?')
      assert.match(page.html, /W4SCT/)
      assert.equal(heading(await person.submit(page, { decision: 'allow' })), 'The other device may go on')
      const tokens = await polled
      const sub = tokens.claims().sub
      assert.equal((await oidc.fetchUserInfo(config, tokens.access_token, sub)).preferred_username, 'temuulen')
      assert.ok((await oidc.refreshTokenGrant(config, tokens.refresh_token)).access_token)
      // By the ID token, and refused.
      const again = await oidc.initiateBackchannelAuthentication(config, {
        scope: 'openid',
        id_token_hint: tokens.id_token,
      })
      await person.submit(await asked(person), { decision: 'deny' })
      await assert.rejects(oidc.pollBackchannelAuthenticationGrant(config, again), { error: 'access_denied' })
      // A name that is nobody's is answered as any other, and runs out.
      const nobody = await oidc.initiateBackchannelAuthentication(config, {
        scope: 'openid',
        login_hint: 'nobody-at-all',
        requested_expiry: '1',
      })
      await assert.rejects(oidc.pollBackchannelAuthenticationGrant(config, nobody))
    },

    async 'oauth4webapi: approve on your phone by a key, told by ping, bound to a key'() {
      const told = []
      const bank = createServer((request, answer) => {
        let body = ''
        request.on('data', (piece) => (body += piece))
        request.on('end', () => {
          told.push([request.headers.authorization, JSON.parse(body)])
          answer.writeHead(204).end()
        })
      })
      await new Promise((ready) => bank.listen(0, '127.0.0.1', ready))
      try {
        const at = `http://127.0.0.1:${bank.address().port}/told`
        const { publicKey, privateKey } = await jose.generateKeyPair('ES256', { extractable: true })
        const jwk = { ...(await jose.exportJWK(publicKey)), kid: 'bank', use: 'sig' }
        asks('bank-told', '--ciba-notification', at, '--request-object', 'required', ...keys(jwk))
        const as = await discovered()
        const client = { client_id: 'bank-told' }
        const auth = oauth.PrivateKeyJwt({ key: privateKey, kid: 'bank' })
        const wish = { scope: 'openid', login_hint: 'temuulen', client_notification_token: oauth.generateRandomState() }
        await assert.rejects(
          oauth
            .backchannelAuthenticationRequest(as, client, auth, wish, insecure)
            .then((answer) => oauth.processBackchannelAuthenticationResponse(as, client, answer)),
          { error: 'invalid_request' },
        )
        const request = await new jose.SignJWT(wish)
          .setProtectedHeader({ alg: 'ES256', kid: 'bank' })
          .setIssuer('bank-told')
          .setAudience(issuer)
          .setIssuedAt()
          .setNotBefore('0s')
          .setExpirationTime('1m')
          .setJti(oauth.generateRandomState())
          .sign(privateKey)
        const begun = await oauth
          .backchannelAuthenticationRequest(as, client, auth, { request }, insecure)
          .then((answer) => oauth.processBackchannelAuthenticationResponse(as, client, answer))
        const person = new Person(issuer)
        await person.submit(await asked(person), { decision: 'allow' })
        for (let looked = 0; told.length === 0 && looked < 200; looked++) {
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
        assert.deepEqual(told, [[`Bearer ${wish.client_notification_token}`, { auth_req_id: begun.auth_req_id }]])
        const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
        const options = { ...insecure, DPoP }
        const tokens = await oauth
          .backchannelAuthenticationGrantRequest(as, client, auth, begun.auth_req_id, options)
          .then((answer) => oauth.processBackchannelAuthenticationGrantResponse(as, client, answer))
        assert.equal(tokens.token_type, 'dpop')
        const { sub } = oauth.getValidatedIdTokenClaims(tokens)
        const info = await oauth
          .userInfoRequest(as, client, tokens.access_token, options)
          .then((answer) => oauth.processUserInfoResponse(as, client, sub, answer))
        assert.equal(info.sub, sub)
        assert.match(server.command('client', 'pings', 'bank-told'), /told/)
      } finally {
        bank.close()
      }
    },

    async 'oauth4webapi: the device grant, each step validated'() {
      add('console', '--public', '--grant', 'device_code', '--grant', 'refresh_token')
      const as = await discovered()
      const client = { client_id: 'console' }
      const none = oauth.None()
      const begun = await oauth
        .deviceAuthorizationRequest(as, client, none, { scope: 'openid profile' }, insecure)
        .then((answer) => oauth.processDeviceAuthorizationResponse(as, client, answer))
      const ask = () =>
        oauth
          .deviceCodeGrantRequest(as, client, none, begun.device_code, insecure)
          .then((answer) => oauth.processDeviceCodeResponse(as, client, answer))
      await assert.rejects(ask(), { error: 'authorization_pending' })
      const person = new Person(issuer)
      await allowDevice(person, begun.user_code)
      const tokens = await ask()
      await assert.rejects(ask(), { error: 'invalid_grant' })
      assert.equal(oauth.getValidatedIdTokenClaims(tokens).aud, 'console')
    },

    async 'curl: a program in a terminal signs in by the device grant'() {
      add('terminal', '--public', '--name', 'Terminal', '--grant', 'device_code')
      const script = fileURLToPath(new URL('terminal.sh', import.meta.url))
      const child = spawn('sh', [script, issuer, 'terminal'], { stdio: ['ignore', 'pipe', 'inherit'] })
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
      const first = (await lines.next()).value
      const code = /type ([A-Z]{4}-[A-Z]{4})$/.exec(first)?.[1]
      assert.ok(code, first)
      await allowDevice(new Person(issuer), code)
      assert.equal((await lines.next()).value, 'Hello temuulen')
      assert.equal(await new Promise((end) => child.on('close', end)), 0)
    },

    async 'openid-client: the apps of one family on one device'() {
      for (const id of ['family-chat', 'family-calls']) {
        add(id, '--public', '--first-party', '--redirect', CALLBACK, '--family', 'steppe', ...scopes)
      }
      const chat = await discover('family-chat', oidc.None())
      const verifier = oidc.randomPKCECodeVerifier()
      const to = oidc.buildAuthorizationUrl(chat, {
        redirect_uri: CALLBACK,
        scope: 'openid profile offline_access device_sso',
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      })
      const person = new Person(issuer)
      const { away } = await person.signIn(await person.go(to), 'temuulen')
      const first = await oidc.authorizationCodeGrant(chat, away, { pkceCodeVerifier: verifier })
      assert.ok(first.device_secret && first.claims().ds_hash && first.claims().sid)
      const calls = await discover('family-calls', oidc.None())
      const pair = {
        audience: issuer,
        subject_token: first.id_token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
        actor_token: first.device_secret,
        actor_token_type: 'urn:openid:params:token-type:device-secret',
      }
      const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
      const second = await oidc.genericGrantRequest(calls, exchange, pair)
      assert.equal(second.claims().sub, first.claims().sub)
      assert.equal(second.claims().aud, 'family-calls')
      assert.ok((await oidc.refreshTokenGrant(calls, second.refresh_token)).access_token)
      const other = { ...pair, actor_token: `${first.device_secret}A` }
      await assert.rejects(oidc.genericGrantRequest(calls, exchange, other), { error: 'invalid_grant' })
      const stranger = await discover('demo-messenger', oidc.None())
      await assert.rejects(oidc.genericGrantRequest(stranger, exchange, pair), { error: 'unauthorized_client' })
    },

    async 'openid-client: a program that keeps a key asks for itself, and a service passes a token on'() {
      const { publicKey, privateKey } = await jose.generateKeyPair('EdDSA', { extractable: true })
      const jwk = { ...(await jose.exportJWK(publicKey)), kid: 'robot', use: 'sig' }
      const service = (...words) => JSON.parse(server.command('service', 'add', ...words, '--json'))
      service('reports', '--audience', 'https://reports.example', '--scope', 'reports', '--machine')
      const chat = ['--audience', 'https://talk.example', '--scope', 'talk', '--keys', 'issuer', '--algorithm', 'ES256']
      service('talk', ...chat)
      add('robot', '--grant', 'client_credentials', '--scope', 'reports', ...keys(jwk))
      await server.seen('reports')
      const robot = await discover('robot', oidc.PrivateKeyJwt({ key: privateKey, kid: 'robot' }))
      const own = await oidc.clientCredentialsGrant(robot, { scope: 'reports', resource: 'https://reports.example' })
      assert.equal(own.scope, 'reports')
      // The program behind one service speaks to another as the person.
      const words = ['--grant', 'token_exchange', '--service', 'talk', '--exchange', 'reports', '--scope', 'talk']
      const program = add('talk-server', ...words)
      add('talk-app', '--public', '--first-party', '--redirect', CALLBACK, '--scope', 'openid talk reports')
      const app = await discover('talk-app', oidc.None())
      const verifier = oidc.randomPKCECodeVerifier()
      const to = oidc.buildAuthorizationUrl(app, {
        redirect_uri: CALLBACK,
        scope: 'openid talk reports',
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      })
      const person = new Person(issuer)
      const { away } = await person.signIn(await person.go(to), 'temuulen')
      const checks = { pkceCodeVerifier: verifier }
      const tokens = await oidc.authorizationCodeGrant(app, away, checks, { resource: 'https://talk.example' })
      const config = await discover('talk-server', oidc.ClientSecretBasic(program.client_secret))
      const passed = await oidc.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:token-exchange', {
        subject_token: tokens.access_token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        audience: 'reports',
      })
      assert.deepEqual(jose.decodeJwt(passed.access_token).act, { sub: 'talk-server' })
    },

    async 'oauth4webapi: introspection, plain and signed'() {
      const { client_id, client_secret } = forum('forum-looks')
      const as = await discovered()
      const client = { client_id, introspection_signed_response_alg: 'RS256' }
      const auth = oauth.ClientSecretBasic(client_secret)
      const config = await discover(client_id, oidc.ClientSecretBasic(client_secret))
      const verifier = oidc.randomPKCECodeVerifier()
      const to = oidc.buildAuthorizationUrl(config, {
        redirect_uri: 'https://forum.example/callback',
        scope: 'openid offline_access',
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      })
      const person = new Person(issuer)
      const page = await person.signIn(await person.go(to), 'temuulen')
      const { away } = await person.submit(page, { decision: 'allow' })
      const tokens = await oidc.authorizationCodeGrant(config, away, { pkceCodeVerifier: verifier })
      assert.equal((await oidc.tokenIntrospection(config, tokens.refresh_token)).active, true)
      const look = async (token) => {
        const options = { ...insecure, requestJwtResponse: true }
        const answer = await oauth.introspectionRequest(as, client, auth, token, options)
        const told = await oauth.processIntrospectionResponse(as, client, answer)
        await oauth.validateApplicationLevelSignature(as, answer, insecure)
        return told
      }
      assert.equal((await look(tokens.refresh_token)).sub, tokens.claims().sub)
      assert.deepEqual(await look('made-up'), { active: false })
      await oidc.tokenRevocation(config, tokens.refresh_token)
      assert.deepEqual(await look(tokens.refresh_token), { active: false })
    },

    async 'oauth4webapi: a signed request with DPoP, and a signed answer'() {
      const { publicKey, privateKey } = await jose.generateKeyPair('ES256', { extractable: true })
      const jwk = { ...(await jose.exportJWK(publicKey)), kid: 'signs', use: 'sig' }
      forum('forum-signs', ...keys(jwk), '--request-object', 'required', '--dpop', 'required')
      const as = await discovered()
      const client = { client_id: 'forum-signs' }
      const auth = oauth.PrivateKeyJwt({ key: privateKey, kid: 'signs' })
      const pair = await oauth.generateKeyPair('ES256')
      const DPoP = oauth.DPoP(client, pair)
      const verifier = oauth.generateRandomCodeVerifier()
      const state = oauth.generateRandomState()
      const back = 'https://forum.example/callback'
      const wish = {
        client_id: client.client_id,
        redirect_uri: back,
        response_type: 'code',
        response_mode: 'jwt',
        scope: 'openid',
        state,
        dpop_jkt: await DPoP.calculateThumbprint(),
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      }
      const request = await oauth.issueRequestObject(as, client, wish, { key: privateKey, kid: 'signs' })
      const options = { ...insecure, DPoP }
      const push = () =>
        oauth
          .pushedAuthorizationRequest(as, client, auth, { request }, options)
          .then((answer) => oauth.processPushedAuthorizationResponse(as, client, answer))
      const { request_uri } = await push().catch((why) => {
        if (!oauth.isDPoPNonceError(why)) throw why
        return push()
      })
      const url = new URL(as.authorization_endpoint)
      url.search = new URLSearchParams({ client_id: client.client_id, request_uri })
      const person = new Person(issuer)
      const page = await person.signIn(await person.go(url), 'temuulen')
      const { away } = await person.submit(page, { decision: 'allow' })
      const found = await oauth.validateJwtAuthResponse(as, client, away, state, insecure)
      const redeem = () =>
        oauth
          .authorizationCodeGrantRequest(as, client, auth, found, back, verifier, options)
          .then((answer) => oauth.processAuthorizationCodeResponse(as, client, answer))
      const tokens = await redeem().catch((why) => {
        if (!oauth.isDPoPNonceError(why)) throw why
        return redeem()
      })
      assert.equal(tokens.token_type, 'dpop')
    },
  }
}

async function allowDevice(person, code) {
  const ask = await person.submit(await person.go('/device'), { user_code: code })
  const allow = heading(ask) === 'Sign in' ? await person.signIn(ask, 'temuulen') : ask
  assert.equal(heading(await person.submit(allow, { seen: '1', decision: 'allow' })), 'The other device may go on')
}
