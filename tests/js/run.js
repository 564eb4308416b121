// Clients by others against the built server: code + PKCE, refresh, userinfo, introspection,
// revocation, sign-out; those without a browser in asking.js, how they prove themselves in proof.js,
// what they are allowed in detail in allowed.js, fresher proofs in stepup.js, answers that are posted
// in post.js, one that is a page in page-app.js.
// With words after it only the tests that hold one of them. The last line counts.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import * as oidc from 'openid-client'
import * as oauth from 'oauth4webapi'
import * as jose from 'jose'
import { startServer } from './server.js'
import { Person, heading } from './person.js'
import * as allowed from './allowed.js'
import * as asking from './asking.js'
import * as pageApp from './page-app.js'
import * as post from './post.js'
import * as proof from './proof.js'
import { tests as services } from './service.js'
import * as stepup from './stepup.js'

const CALLBACK = 'http://127.0.0.1:7654/callback'
const SCOPE = 'openid profile email offline_access chat'
const server = await startServer()
const { issuer } = server
const insecure = { [oauth.allowInsecureRequests]: true }

// A confidential app of another party, registered by the operator while the server runs.
function forum(id, ...more) {
  const words = ['client', 'add', id, '--redirect', 'https://forum.example/callback']
  words.push('--post-logout-redirect', 'https://forum.example/bye')
  for (const scope of ['openid', 'profile', 'email', 'offline_access']) words.push('--scope', scope)
  return JSON.parse(server.command(...words, ...more, '--json'))
}

// Public keys, as a file for the operator's command.
function keys(...set) {
  const file = join(server.folder, `keys-${randomUUID()}.json`)
  writeFileSync(file, JSON.stringify({ keys: set }))
  return ['--jwks', file]
}

const own = {
  async 'openid-client: a public messenger, a stranger who signs up'() {
    const config = await oidc.discovery(new URL(issuer), 'demo-messenger', undefined, oidc.None(), {
      execute: [oidc.allowInsecureRequests],
    })
    const verifier = oidc.randomPKCECodeVerifier()
    const [state, nonce] = [oidc.randomState(), oidc.randomNonce()]
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: CALLBACK,
      scope: SCOPE,
      state,
      nonce,
      prompt: 'create',
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    const person = new Person(issuer)
    const { away } = await person.signUp(await person.go(url), 'temuulen')
    const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
    const tokens = await oidc.authorizationCodeGrant(config, away, checks)
    assert.equal(tokens.claims().preferred_username, 'temuulen')
    // A code is spent once.
    await assert.rejects(oidc.authorizationCodeGrant(config, away, checks), { error: 'invalid_grant' })
  },

  async 'openid-client: sign in, refresh, userinfo, revoke, sign out'() {
    const config = await oidc.discovery(new URL(issuer), 'demo-messenger', undefined, oidc.None(), {
      execute: [oidc.allowInsecureRequests],
    })
    const verifier = oidc.randomPKCECodeVerifier()
    const state = oidc.randomState()
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: CALLBACK,
      scope: SCOPE,
      state,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    const person = new Person(issuer)
    const { away } = await person.signIn(await person.go(url), 'temuulen')
    const tokens = await oidc.authorizationCodeGrant(config, away, { pkceCodeVerifier: verifier, expectedState: state })
    const sub = tokens.claims().sub
    const next = await oidc.refreshTokenGrant(config, tokens.refresh_token, { resource: issuer })
    assert.notEqual(next.refresh_token, tokens.refresh_token)
    const info = await oidc.fetchUserInfo(config, next.access_token, sub)
    assert.equal(info.email, 'temuulen@mail.example')
    assert.equal(info.email_verified, true)
    const out = oidc.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: 'http://127.0.0.1/signed-out',
      state: 'bye',
    })
    const gone = await person.go(out)
    assert.equal(gone.away?.searchParams.get('state'), 'bye', heading(gone))
    assert.equal(heading(await person.go('/account')), 'Sign in')
    await oidc.tokenRevocation(config, next.refresh_token)
    await assert.rejects(oidc.refreshTokenGrant(config, next.refresh_token), { error: 'invalid_grant' })
  },

  async 'openid-client: a confidential app with consent'() {
    const { client_id, client_secret } = forum('forum')
    const config = await oidc.discovery(new URL(issuer), client_id, undefined, oidc.ClientSecretBasic(client_secret), {
      execute: [oidc.allowInsecureRequests],
    })
    const verifier = oidc.randomPKCECodeVerifier()
    const state = oidc.randomState()
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: 'https://forum.example/callback',
      scope: 'openid profile email offline_access',
      state,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    const person = new Person(issuer)
    const page = await person.signIn(await person.go(url), 'temuulen')
    assert.match(heading(page), /use your account/)
    const { away } = await person.submit(page, { decision: 'allow' })
    const tokens = await oidc.authorizationCodeGrant(config, away, { pkceCodeVerifier: verifier, expectedState: state })
    const info = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)
    assert.equal(info.preferred_username, 'temuulen')
    const next = await oidc.refreshTokenGrant(config, tokens.refresh_token)
    assert.ok(next.access_token)
    const out = oidc.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: 'https://forum.example/bye',
    })
    assert.equal((await person.go(out)).away?.href, 'https://forum.example/bye')
  },

  async 'oauth4webapi: the same, each step validated'() {
    const as = await oauth
      .discoveryRequest(new URL(issuer), insecure)
      .then((answer) => oauth.processDiscoveryResponse(new URL(issuer), answer))
    const client = { client_id: 'demo-messenger' }
    const auth = oauth.None()
    const verifier = oauth.generateRandomCodeVerifier()
    const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
    const url = new URL(as.authorization_endpoint)
    for (const [name, value] of Object.entries({
      client_id: client.client_id,
      redirect_uri: CALLBACK,
      response_type: 'code',
      scope: SCOPE,
      state,
      nonce,
      max_age: '300',
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })) {
      url.searchParams.set(name, value)
    }
    const person = new Person(issuer)
    const { away } = await person.signIn(await person.go(url), 'temuulen')
    const parameters = oauth.validateAuthResponse(as, client, away, state)
    const answer = await oauth.authorizationCodeGrantRequest(as, client, auth, parameters, CALLBACK, verifier, insecure)
    const tokens = await oauth.processAuthorizationCodeResponse(as, client, answer, {
      expectedNonce: nonce,
      maxAge: 300,
      requireIdToken: true,
    })
    await oauth.validateApplicationLevelSignature(as, answer, insecure)
    const claims = oauth.getValidatedIdTokenClaims(tokens)
    const refreshed = await oauth
      .refreshTokenGrantRequest(as, client, auth, tokens.refresh_token, {
        ...insecure,
        additionalParameters: { resource: issuer },
      })
      .then((answer) => oauth.processRefreshTokenResponse(as, client, answer))
    const info = await oauth
      .userInfoRequest(as, client, refreshed.access_token, insecure)
      .then((answer) => oauth.processUserInfoResponse(as, client, claims.sub, answer))
    assert.equal(info.name, 'Temuulen Bat')
    await oauth
      .revocationRequest(as, client, auth, refreshed.refresh_token, insecure)
      .then(oauth.processRevocationResponse)
    // The issuer stands in every answer (RFC 9207): one from elsewhere is refused.
    away.searchParams.set('iss', 'https://evil.example')
    assert.throws(() => oauth.validateAuthResponse(as, client, away, state))
  },

  async 'oauth4webapi: a confidential app without PKCE, where the operator lets it'() {
    const as = await oauth
      .discoveryRequest(new URL(issuer), insecure)
      .then((answer) => oauth.processDiscoveryResponse(new URL(issuer), answer))
    const { client_id, client_secret } = forum('old-forum')
    const client = { client_id }
    const callback = 'https://forum.example/callback'
    const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
    const url = new URL(as.authorization_endpoint)
    const wishes = { client_id, redirect_uri: callback, response_type: 'code', scope: 'openid', state, nonce }
    url.search = new URLSearchParams(wishes)
    const person = new Person(issuer)
    const refused = await person.go(url)
    assert.equal(refused.away?.searchParams.get('error'), 'invalid_request', 'PKCE is asked for')
    server.command('client', 'edit', client_id, '--pkce', 'optional')
    const { away } = await person.allow(url)
    const found = oauth.validateAuthResponse(as, client, away, state)
    const auth = oauth.ClientSecretBasic(client_secret)
    const tokens = await oauth
      .authorizationCodeGrantRequest(as, client, auth, found, callback, oauth.nopkce, insecure)
      .then((answer) => oauth.processAuthorizationCodeResponse(as, client, answer, { expectedNonce: nonce }))
    assert.ok(oauth.getValidatedIdTokenClaims(tokens).sub)
    // A verifier where there was no challenge is a code put into another's hands (RFC 9700 2.1.1).
    const again = oauth.validateAuthResponse(as, client, (await person.allow(url)).away, state)
    const verifier = oauth.generateRandomCodeVerifier()
    await assert.rejects(
      oauth
        .authorizationCodeGrantRequest(as, client, auth, again, callback, verifier, insecure)
        .then((answer) => oauth.processAuthorizationCodeResponse(as, client, answer)),
      { error: 'invalid_grant' },
    )
  },

  async 'openid-client: a request pushed before the browser comes'() {
    const { client_id, client_secret } = forum('pusher')
    server.command('client', 'edit', client_id, '--par', 'required')
    const config = await oidc.discovery(new URL(issuer), client_id, undefined, oidc.ClientSecretBasic(client_secret), {
      execute: [oidc.allowInsecureRequests],
    })
    const verifier = oidc.randomPKCECodeVerifier()
    const state = oidc.randomState()
    const wishes = {
      redirect_uri: 'https://forum.example/callback',
      scope: 'openid profile',
      state,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }
    const url = await oidc.buildAuthorizationUrlWithPAR(config, wishes)
    assert.deepEqual([...url.searchParams.keys()].sort(), ['client_id', 'request_uri'])
    const person = new Person(issuer)
    const page = await person.signIn(await person.go(url), 'temuulen')
    const { away } = await person.submit(page, { decision: 'allow' })
    const tokens = await oidc.authorizationCodeGrant(config, away, { pkceCodeVerifier: verifier, expectedState: state })
    assert.ok(tokens.claims().sub)
    // Opened before; never pushed; pushed wrongly.
    assert.equal((await person.go(url)).status, 400)
    const plain = await person.go(oidc.buildAuthorizationUrl(config, wishes))
    assert.equal(plain.away.searchParams.get('error'), 'invalid_request')
    await assert.rejects(oidc.buildAuthorizationUrlWithPAR(config, { ...wishes, scope: 'nothing' }), {
      error: 'invalid_scope',
    })
  },

  async 'oauth4webapi: a public messenger pushes its request'() {
    const as = await oauth
      .discoveryRequest(new URL(issuer), insecure)
      .then((answer) => oauth.processDiscoveryResponse(new URL(issuer), answer))
    const client = { client_id: 'demo-messenger' }
    const verifier = oauth.generateRandomCodeVerifier()
    const state = oauth.generateRandomState()
    const parameters = new URLSearchParams({
      redirect_uri: CALLBACK,
      response_type: 'code',
      scope: SCOPE,
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    const { request_uri, expires_in } = await oauth
      .pushedAuthorizationRequest(as, client, oauth.None(), parameters, insecure)
      .then((answer) => oauth.processPushedAuthorizationResponse(as, client, answer))
    assert.equal(expires_in, 60)
    const url = new URL(as.authorization_endpoint)
    url.search = new URLSearchParams({ client_id: client.client_id, request_uri })
    const person = new Person(issuer)
    const { away } = await person.signIn(await person.go(url), 'temuulen')
    const found = oauth.validateAuthResponse(as, client, away, state)
    const answer = await oauth.authorizationCodeGrantRequest(as, client, oauth.None(), found, CALLBACK, verifier, insecure)
    const tokens = await oauth.processAuthorizationCodeResponse(as, client, answer)
    assert.ok(tokens.refresh_token)
  },

  async 'openid-client: DPoP, from the code to userinfo, with our nonces'() {
    for (const [id, dpop] of [['key-optional', 'optional'], ['key-required', 'required']]) {
      server.command('client', 'add', id, '--public', '--first-party', '--redirect', CALLBACK, '--dpop', dpop)
      const config = await oidc.discovery(new URL(issuer), id, undefined, oidc.None(), {
        execute: [oidc.allowInsecureRequests],
      })
      for (const algorithm of ['ES256', 'Ed25519', 'PS256', 'RS256']) {
        const keys = await oidc.randomDPoPKeyPair(algorithm)
        const DPoP = oidc.getDPoPHandle(config, keys)
        const verifier = oidc.randomPKCECodeVerifier()
        const url = oidc.buildAuthorizationUrl(config, {
          redirect_uri: CALLBACK,
          scope: 'openid profile offline_access',
          dpop_jkt: await DPoP.calculateThumbprint(),
          code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
          code_challenge_method: 'S256',
        })
        const person = new Person(issuer)
        const { away } = await person.signIn(await person.go(url), 'temuulen')
        const checks = { pkceCodeVerifier: verifier }
        const tokens = await oidc.authorizationCodeGrant(config, away, checks, undefined, { DPoP })
        assert.equal(tokens.token_type, 'dpop')
        const info = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP })
        assert.equal(info.preferred_username, 'temuulen')
        // Without the key neither token is worth anything.
        await assert.rejects(oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub))
        await assert.rejects(oidc.refreshTokenGrant(config, tokens.refresh_token))
        const next = await oidc.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
        assert.equal(next.refresh_token, tokens.refresh_token)
      }
    }
  },

  async 'openid-client: signed requests, by value and pushed, and signed answers'() {
    for (const alg of ['RS256', 'PS256', 'ES256', 'EdDSA']) {
      const { publicKey, privateKey } = await jose.generateKeyPair(alg, { extractable: true })
      const jwk = { ...(await jose.exportJWK(publicKey)), kid: `key-${alg}`, use: 'sig' }
      const { client_id, client_secret } = forum(`signer-${alg}`, '--auth', 'basic', ...keys(jwk))
      server.command('client', 'edit', client_id, '--request-object', 'required', '--response-algorithm', 'ES256')
      const own = { client_secret, authorization_signed_response_alg: 'ES256' }
      const config = await oidc.discovery(new URL(issuer), client_id, own, oidc.ClientSecretBasic(client_secret), {
        execute: [oidc.allowInsecureRequests, oidc.useJwtResponseMode],
      })
      const verifier = oidc.randomPKCECodeVerifier()
      const state = oidc.randomState()
      const wishes = {
        redirect_uri: 'https://forum.example/callback',
        scope: 'openid',
        state,
        max_age: '600',
        claims: JSON.stringify({ userinfo: { email: { essential: true } } }),
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      }
      const signed = await oidc.buildAuthorizationUrlWithJAR(config, wishes, { key: privateKey, kid: jwk.kid })
      const pushed = await oidc.buildAuthorizationUrlWithPAR(config, signed.searchParams)
      const person = new Person(issuer)
      let page = await person.signIn(await person.go(pushed), 'temuulen')
      for (const url of [undefined, signed]) {
        if (url) page = await person.go(url)
        const { away } = page.away ? page : await person.submit(page, { decision: 'allow' })
        assert.deepEqual([...away.searchParams.keys()], ['response'])
        const checks = { pkceCodeVerifier: verifier, expectedState: state }
        const tokens = await oidc.authorizationCodeGrant(config, away, checks)
        const info = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)
        assert.equal(info.email, 'temuulen@mail.example')
        assert.equal(info.name, undefined)
      }
      const plain = await person.go(oidc.buildAuthorizationUrl(config, wishes))
      assert.ok(plain.away.searchParams.get('response'), 'a refusal is signed too')
      await assert.rejects(
        oidc.authorizationCodeGrant(config, plain.away, { pkceCodeVerifier: verifier, expectedState: state }),
        { error: 'invalid_request' },
      )
    }
  },

  async 'openid-client: the device grant, allowed in a browser'() {
    server.command('client', 'add', 'television', '--public', '--grant', 'device_code', '--grant', 'refresh_token')
    const config = await oidc.discovery(new URL(issuer), 'television', undefined, oidc.None(), {
      execute: [oidc.allowInsecureRequests],
    })
    const begun = await oidc.initiateDeviceAuthorization(config, { scope: 'openid profile offline_access' })
    assert.match(begun.user_code, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
    const polled = oidc.pollDeviceAuthorizationGrant(config, begun)
    const person = new Person(issuer)
    const page = await person.go(begun.verification_uri_complete)
    const ask = await person.submit(page, { user_code: begun.user_code })
    const allow = heading(ask) === 'Sign in' ? await person.signIn(ask, 'temuulen') : ask
    assert.equal(heading(allow), 'Is this your device?')
    assert.equal(heading(await person.submit(allow, { seen: '1', decision: 'allow' })), 'The other device may go on')
    const tokens = await polled
    const info = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)
    assert.equal(info.preferred_username, 'temuulen')
    assert.ok((await oidc.refreshTokenGrant(config, tokens.refresh_token)).access_token)
    // "This is not mine."
    const refused = await oidc.initiateDeviceAuthorization(config, { scope: 'openid' })
    const again = await person.go('/device')
    const other = await person.submit(again, { user_code: refused.user_code.toLowerCase() })
    assert.equal(heading(await person.submit(other, { decision: 'deny' })), 'The other device was refused')
    await assert.rejects(oidc.pollDeviceAuthorizationGrant(config, refused), { error: 'access_denied' })
  },

  async 'openid-client: an app registers itself, and a person signs in to it'() {
    const token = JSON.parse(server.command('registration', 'token', '--uses', '2', '--json')).initial_access_token
    const execute = [oidc.allowInsecureRequests]
    const metadata = {
      client_name: 'Steppe wiki',
      redirect_uris: ['https://wiki.example/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'client_secret_post',
      subject_type: 'pairwise',
      userinfo_signed_response_alg: 'ES256',
    }
    const url = new URL(issuer)
    await assert.rejects(oidc.dynamicClientRegistration(url, metadata, undefined, { execute }))
    const config = await oidc.dynamicClientRegistration(url, metadata, undefined, { execute, initialAccessToken: token })
    const registered = config.clientMetadata()
    assert.match(registered.client_id, /^app-/)
    const verifier = oidc.randomPKCECodeVerifier()
    const to = oidc.buildAuthorizationUrl(config, {
      redirect_uri: 'https://wiki.example/callback',
      scope: 'openid profile offline_access',
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    const person = new Person(issuer)
    const consent = await person.signIn(await person.go(to), 'temuulen')
    assert.match(consent.html, /has checked this app/)
    const { away } = await person.submit(consent, { decision: 'allow' })
    const tokens = await oidc.authorizationCodeGrant(config, away, { pkceCodeVerifier: verifier })
    // Signed userinfo, checked by the client against the issuer's keys.
    const sub = tokens.claims().sub
    oidc.enableNonRepudiationChecks(config)
    const info = await oidc.fetchUserInfo(config, tokens.access_token, sub)
    assert.equal(info.preferred_username, 'temuulen')
    // RFC 7592
    const own = { authorization: `Bearer ${registered.registration_access_token}` }
    const read = await fetch(registered.registration_client_uri, { headers: own })
    assert.equal((await read.json()).client_name, 'Steppe wiki')
    const gone = await fetch(registered.registration_client_uri, { method: 'DELETE', headers: own })
    assert.equal(gone.status, 204)
    await assert.rejects(oidc.refreshTokenGrant(config, tokens.refresh_token))
  },

  async 'jose: an app checks the logout token that it is sent'() {
    const sent = []
    const app = createServer((request, answer) => {
      let body = ''
      request.on('data', (piece) => (body += piece))
      request.on('end', () => {
        sent.push(new URLSearchParams(body).get('logout_token'))
        answer.writeHead(204).end()
      })
    })
    await new Promise((ready) => app.listen(0, '127.0.0.1', ready))
    try {
      const registered = forum('forum-out')
      const at = `http://127.0.0.1:${app.address().port}/out`
      server.command('client', 'edit', 'forum-out', '--backchannel-logout', at)
      const auth = oidc.ClientSecretBasic(registered.client_secret)
      const config = await oidc.discovery(new URL(issuer), 'forum-out', undefined, auth, {
        execute: [oidc.allowInsecureRequests],
      })
      const verifier = oidc.randomPKCECodeVerifier()
      const url = oidc.buildAuthorizationUrl(config, {
        redirect_uri: 'https://forum.example/callback',
        scope: 'openid',
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      })
      const person = new Person(issuer)
      const consent = await person.signIn(await person.go(url), 'temuulen')
      const { away } = await person.submit(consent, { decision: 'allow' })
      const tokens = await oidc.authorizationCodeGrant(config, away, { pkceCodeVerifier: verifier })
      await person.submit(await person.go('/signout'), { decision: 'signout' })
      for (let asked = 0; sent.length === 0 && asked < 200; asked++) {
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      const keys = jose.createRemoteJWKSet(new URL(`${issuer}/jwks.json`))
      const rules = { issuer, audience: 'forum-out', typ: 'logout+jwt', maxTokenAge: '2 minutes' }
      const { payload } = await jose.jwtVerify(sent[0], keys, rules)
      assert.equal(payload.sid, tokens.claims().sid)
      assert.equal(payload.sub, tokens.claims().sub)
      assert.deepEqual(payload.events, { 'http://schemas.openid.net/event/backchannel-logout': {} })
      assert.match(server.command('client', 'logouts', 'forum-out'), /told/)
    } finally {
      app.close()
    }
  },

  async 'jose: a chat server checks the token by its own key'() {
    const config = await oidc.discovery(new URL(issuer), 'demo-messenger', undefined, oidc.None(), {
      execute: [oidc.allowInsecureRequests],
    })
    const verifier = oidc.randomPKCECodeVerifier()
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: CALLBACK,
      scope: SCOPE,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    const person = new Person(issuer)
    const { away } = await person.signIn(await person.go(url), 'temuulen')
    const tokens = await oidc.authorizationCodeGrant(config, away, { pkceCodeVerifier: verifier })
    const own = jose.createRemoteJWKSet(new URL(`${issuer}/services/demo-chat/jwks.json`))
    const rules = { issuer, audience: 'demo-chat', typ: 'at+jwt', algorithms: ['RS256'] }
    const { payload } = await jose.jwtVerify(tokens.access_token, own, rules)
    assert.equal(payload.jid, 'temuulen@localhost')
    // Neither by the issuer's keys, nor an ID token in its place.
    const issuers = jose.createRemoteJWKSet(new URL(`${issuer}/jwks.json`))
    await assert.rejects(jose.jwtVerify(tokens.access_token, issuers, rules))
    await assert.rejects(jose.jwtVerify(tokens.id_token, own, rules))
  },

  ...services(server),
}

// The first of our own makes the account that all others use.
const about = { server, issuer, forum, keys }
const suites = [asking, proof, allowed, stepup, post, pageApp]
const tests = [own, ...suites.map((suite) => suite.tests(about))].flatMap(Object.entries)
let [passed, failed] = [0, 0]
try {
  const words = process.argv.slice(2)
  for (const [name, test] of tests) {
    if (words.length > 0 && passed > 0 && !words.some((word) => name.includes(word))) continue
    try {
      await test()
      passed++
      console.log(`ok   ${name}`)
    } catch (why) {
      failed++
      console.log(`FAIL ${name}\n${why.stack ?? why}\n${why.cause ? JSON.stringify(why.cause) : ''}`)
    }
  }
} finally {
  await server.stop()
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed ? 1 : 0
