// How apps and programs prove themselves, and how services check what they bring, by openid-client
// and oauth4webapi: a secret in the form, registration, client credentials, exchange, certificates.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import * as oidc from 'openid-client'
import * as oauth from 'oauth4webapi'
import * as jose from 'jose'
import { signIn } from './code.js'
import { Person } from './person.js'
import { freePort, startServer } from './server.js'
import { startAuthority } from './tls.js'

const CALLBACK = 'http://127.0.0.1:7658/callback'
const BACK = 'https://forum.example/callback'
const insecure = { [oauth.allowInsecureRequests]: true }
// The library takes no notice of a body where the answer has a challenge (401).
const refused = { code: oauth.WWW_AUTHENTICATE_CHALLENGE, status: 401 }
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'

export function tests({ server, issuer }) {
  const discovered = (at = issuer) =>
    oauth
      .discoveryRequest(new URL(at), insecure)
      .then((answer) => oauth.processDiscoveryResponse(new URL(at), answer))
  const discover = (id, auth, metadata) =>
    oidc.discovery(new URL(issuer), id, metadata, auth, { execute: [oidc.allowInsecureRequests] })
  const add = (kind, ...words) => JSON.parse(server.command(kind, 'add', ...words, '--json'))
  // A service that programs may call for themselves, and such a program.
  const machines = async (name, ...more) => {
    const own = add('service', name, '--audience', `https://${name}.example`, '--scope', name, '--machine', ...more)
    await server.seen(name)
    return own
  }
  const program = (id, scope, ...more) => add('client', id, '--grant', 'client_credentials', '--scope', scope, ...more)

  return {
    async 'openid-client and oauth4webapi: a program sends its secret in the form, and no other way'() {
      await machines('tide')
      const { client_id, client_secret } = program('tide-reader', 'tide', '--auth', 'post')
      const config = await discover(client_id, oidc.ClientSecretPost(client_secret))
      assert.equal((await oidc.clientCredentialsGrant(config, { scope: 'tide' })).scope, 'tide')
      const as = await discovered()
      const client = { client_id }
      const ask = (auth) =>
        oauth
          .clientCredentialsGrantRequest(as, client, auth, new URLSearchParams({ scope: 'tide' }), insecure)
          .then((answer) => oauth.processClientCredentialsResponse(as, client, answer))
      assert.equal((await ask(oauth.ClientSecretPost(client_secret))).scope, 'tide')
      for (const auth of [oauth.ClientSecretPost(`${client_secret}x`), oauth.ClientSecretBasic(client_secret)]) {
        await assert.rejects(ask(auth), refused)
      }
    },

    async 'oauth4webapi: an app registers itself, signs a person in, and is refused what it did not register'() {
      const { initial_access_token } = JSON.parse(server.command('registration', 'token', '--json'))
      const as = await discovered()
      const metadata = {
        client_name: 'Steppe almanac',
        redirect_uris: [BACK],
        token_endpoint_auth_method: 'client_secret_post',
      }
      const register = (more, options) =>
        oauth
          .dynamicClientRegistrationRequest(as, { ...metadata, ...more }, { ...insecure, ...options })
          .then(oauth.processDynamicClientRegistrationResponse)
      const initialAccessToken = initial_access_token
      await assert.rejects(register(), refused)
      const wrong = { redirect_uris: ['http://forum.example/callback'] }
      await assert.rejects(register(wrong, { initialAccessToken }), { error: 'invalid_redirect_uri' })
      const client = await register({}, { initialAccessToken })
      assert.equal(client.client_secret_expires_at, 0)
      const auth = oauth.ClientSecretPost(client.client_secret)
      const verifier = oauth.generateRandomCodeVerifier()
      const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
      const url = new URL(as.authorization_endpoint)
      url.search = new URLSearchParams({
        client_id: client.client_id,
        redirect_uri: BACK,
        response_type: 'code',
        scope: 'openid profile',
        state,
        nonce,
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      })
      const person = new Person(issuer)
      const page = await person.signIn(await person.go(url), 'temuulen')
      const { away } = await person.submit(page, { decision: 'allow' })
      const found = oauth.validateAuthResponse(as, client, away, state)
      const redeem = (back) =>
        oauth
          .authorizationCodeGrantRequest(as, client, auth, found, back, verifier, insecure)
          .then((answer) => oauth.processAuthorizationCodeResponse(as, client, answer, { expectedNonce: nonce }))
      await assert.rejects(redeem('https://forum.example/elsewhere'), { error: 'invalid_grant' })
      const tokens = await redeem(BACK)
      assert.equal(oauth.getValidatedIdTokenClaims(tokens).aud, client.client_id)
      const alone = oauth
        .clientCredentialsGrantRequest(as, client, auth, new URLSearchParams(), insecure)
        .then((answer) => oauth.processClientCredentialsResponse(as, client, answer))
      await assert.rejects(alone, { error: 'unauthorized_client' })
    },

    async 'oauth4webapi: a service validates the token of a program, and takes no one else’s'() {
      await machines('harbour', '--own-issuer', '--algorithm', 'EdDSA')
      await machines('quay', '--own-issuer', '--algorithm', 'ES256')
      await machines('pier', '--keys', 'issuer', '--algorithm', 'ES256')
      const { client_id, client_secret } = program('crane', 'harbour quay pier')
      const issuers = await discovered()
      const client = { client_id }
      const given = async (name) => {
        const wish = new URLSearchParams({ scope: name, resource: `https://${name}.example` })
        const auth = oauth.ClientSecretBasic(client_secret)
        const answer = await oauth.clientCredentialsGrantRequest(issuers, client, auth, wish, insecure)
        return (await oauth.processClientCredentialsResponse(issuers, client, answer)).access_token
      }
      const validate = (as, name, token) => {
        const request = new Request(`https://${name}.example/`, { headers: { authorization: `Bearer ${token}` } })
        return oauth.validateJwtAccessToken(as, request, `https://${name}.example`, insecure)
      }
      const [harbour, quay] = await Promise.all(
        ['harbour', 'quay'].map((name) => discovered(`${issuer}/services/${name}`)),
      )
      const [toHarbour, toQuay, toPier] = [await given('harbour'), await given('quay'), await given('pier')]
      assert.equal((await validate(harbour, 'harbour', toHarbour)).sub, client_id)
      assert.equal((await validate(quay, 'quay', toQuay)).scope, 'quay')
      assert.equal((await validate(issuers, 'pier', toPier)).client_id, client_id)
      for (const [as, name, token] of [
        [harbour, 'harbour', toQuay],
        [quay, 'harbour', toHarbour],
        [harbour, 'quay', toHarbour],
        [issuers, 'harbour', toHarbour],
        [issuers, 'quay', toPier],
      ]) {
        await assert.rejects(validate(as, name, token))
      }
    },

    async 'openid-client and oauth4webapi: an app reads from a service that checks the key behind its token'() {
      const chart = 'https://chart.example'
      add('service', 'chart', '--audience', chart, '--scope', 'chart', '--own-issuer', '--proof', 'dpop')
      add('client', 'chart-app', '--public', '--first-party', '--redirect', CALLBACK, '--scope', 'openid chart')
      await server.seen('chart')
      const as = await discovered(`${issuer}/services/chart`)
      const config = await discover('chart-app', oidc.None())
      // The service stands where the app's requests arrive.
      const real = fetch
      config[oidc.customFetch] = async (url, options) => {
        if (!url.startsWith(chart)) return real(url, options)
        const claims = await oauth
          .validateJwtAccessToken(as, new Request(url, options), chart, { ...insecure, requireDPoP: true })
          .catch(() => undefined)
        if (claims) return Response.json({ sub: claims.sub })
        return new Response(null, { status: 401, headers: { 'www-authenticate': 'DPoP error="invalid_token"' } })
      }
      const handle = async () => ({ DPoP: oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256')) })
      const own = await handle()
      const wish = { redirect_uri: CALLBACK, scope: 'openid chart', resource: chart }
      const tokens = await signIn(config, new Person(issuer), wish, own)
      const fetched = (at, options) =>
        oidc.fetchProtectedResource(config, tokens.access_token, new URL(at), 'GET', null, undefined, options)
      const read = (options) => fetched(`${chart}/one?of=many`, options)
      assert.equal((await (await read(own)).json()).sub, tokens.claims().sub)
      await assert.rejects(read(await handle()), { status: 401 })
      await assert.rejects(read({}), { status: 401 })
      // Nor is it one for our own endpoints.
      await assert.rejects(fetched(config.serverMetadata().userinfo_endpoint, own), { status: 401 })
    },

    async 'oauth4webapi: a service passes a token on, by the generic request'() {
      const words = (name) => ['--audience', `https://${name}.example`, '--scope', name, '--keys', 'issuer']
      add('service', 'gate', ...words('gate'))
      add('service', 'yard', ...words('yard'))
      add('client', 'gate-app', '--public', '--first-party', '--redirect', CALLBACK, '--scope', 'openid gate yard')
      const about = ['--grant', 'token_exchange', '--service', 'gate', '--exchange', 'yard', '--scope', 'yard']
      const { client_id, client_secret } = add('client', 'gate-server', ...about)
      await server.seen('yard')
      const app = await discover('gate-app', oidc.None())
      const wish = { redirect_uri: CALLBACK, scope: 'openid gate yard', resource: 'https://gate.example' }
      const { access_token, id_token } = await signIn(app, new Person(issuer), wish)
      const as = await discovered()
      const client = { client_id }
      const auth = oauth.ClientSecretBasic(client_secret)
      const pass = (more) => {
        const asked = {
          subject_token: access_token,
          subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
          resource: 'https://yard.example',
          ...more,
        }
        return oauth
          .genericTokenEndpointRequest(as, client, auth, EXCHANGE, asked, insecure)
          .then((answer) => oauth.processGenericTokenEndpointResponse(as, client, answer))
      }
      const passed = await pass()
      assert.equal(passed.issued_token_type, 'urn:ietf:params:oauth:token-type:access_token')
      const { sub, aud, act } = jose.decodeJwt(passed.access_token)
      assert.deepEqual([sub, aud, act], [jose.decodeJwt(id_token).sub, 'https://yard.example', { sub: 'gate-server' }])
      await assert.rejects(pass({ resource: 'https://chart.example' }), { error: 'invalid_target' })
      await assert.rejects(pass({ subject_token: `${access_token}A` }), { error: 'invalid_request' })
    },

    async 'openid-client and oauth4webapi: apps prove themselves, and bind their tokens, by certificates'() {
      await withCertificates(certificates)
    },
  }
}

// A server of its own that speaks TLS, asks apps for certificates, and knows one person.
async function withCertificates(test) {
  const authority = startAuthority()
  let server
  try {
    authority.vouch('tls', 'localhost')
    authority.vouch('forum', 'forum.example')
    authority.vouch('other', 'other.example')
    authority.alone('robot', 'robot.example')
    authority.alone('thief', 'robot.example')
    const settings = {
      GEREGE_LISTEN__TLS_CERT: authority.file('tls.pem'),
      GEREGE_LISTEN__TLS_KEY: authority.file('tls.key'),
      GEREGE_MTLS__LISTEN: `127.0.0.1:${await freePort()}`,
      GEREGE_MTLS__CA_FILE: authority.file('ca.pem'),
    }
    server = await startServer({ settings, scheme: 'https', fetch: authority.fetch() })
    await test(server, authority)
  } finally {
    await server?.stop()
    await authority.stop()
  }
}

async function certificates(server, authority) {
  const { issuer } = server
  const add = (kind, ...words) => JSON.parse(server.command(kind, 'add', ...words, '--json'))
  const visitor = new Person(issuer, authority.fetch())
  await visitor.signUp(await visitor.go('/signup'), 'temuulen')
  const about = ['--audience', 'https://files.example', '--scope', 'files', '--machine', '--proof', 'mtls']
  const files = add('service', 'files', ...about)
  const grants = ['client_credentials', 'authorization_code', 'refresh_token'].flatMap((one) => ['--grant', one])
  const scopes = ['openid', 'offline_access', 'files'].flatMap((one) => ['--scope', one])
  const vouched = ['--auth', 'tls_client_auth', '--certificate', 'dns:forum.example', '--certificate-bound']
  add('client', 'forum', '--redirect', BACK, ...grants, ...scopes, ...vouched)
  const set = authority.file('jwks.json')
  writeFileSync(set, JSON.stringify({ keys: [authority.jwk('robot')] }))
  const alone = ['--grant', 'client_credentials', '--scope', 'files', '--auth', 'self_signed_tls_client_auth']
  add('client', 'robot', ...alone, '--jwks', set)
  await server.seen('files')

  // openid-client finds the second address by itself, in the metadata.
  const discover = (id, shown) =>
    oidc.discovery(new URL(issuer), id, { use_mtls_endpoint_aliases: true }, oidc.TlsClientAuth(), {
      [oidc.customFetch]: authority.fetch(shown),
    })
  for (const [id, shown] of [
    ['forum', 'forum'],
    ['robot', 'robot'],
  ]) {
    const tokens = await oidc.clientCredentialsGrant(await discover(id, shown), { scope: 'files' })
    assert.equal(tokens.token_type, 'bearer')
    assert.deepEqual(jose.decodeJwt(tokens.access_token).cnf, { 'x5t#S256': authority.thumbprint(shown) })
  }
  for (const [id, shown] of [
    ['forum', undefined],
    ['forum', 'other'],
    ['forum', 'robot'],
    ['robot', 'forum'],
    ['robot', 'thief'],
  ]) {
    const tried = oidc.clientCredentialsGrant(await discover(id, shown), { scope: 'files' })
    await assert.rejects(tried, refused, `${id} by ${shown}`)
  }
  const forum = await discover('forum', 'forum')
  const tokens = await signIn(forum, new Person(issuer, authority.fetch()), {
    redirect_uri: BACK,
    scope: 'openid offline_access',
  })
  const { sub } = tokens.claims()
  const next = await oidc.refreshTokenGrant(forum, tokens.refresh_token)
  assert.equal((await oidc.fetchUserInfo(forum, next.access_token, sub)).sub, sub)
  const told = new URL(forum.serverMetadata().mtls_endpoint_aliases.userinfo_endpoint)
  const read = (config) => oidc.fetchProtectedResource(config, next.access_token, told, 'GET')
  assert.equal((await (await read(forum)).json()).sub, sub)
  await assert.rejects(read(await discover('forum', 'other')), { status: 401 })
  await assert.rejects(oidc.refreshTokenGrant(await discover('forum', 'other'), tokens.refresh_token), refused)

  // oauth4webapi, and what the service is told of the token.
  const ways = (shown) => ({ [oauth.customFetch]: authority.fetch(shown) })
  const as = await oauth
    .discoveryRequest(new URL(issuer), ways())
    .then((answer) => oauth.processDiscoveryResponse(new URL(issuer), answer))
  const client = { client_id: 'forum', use_mtls_endpoint_aliases: true }
  const wish = new URLSearchParams({ scope: 'files' })
  const ask = (auth, how) =>
    oauth
      .clientCredentialsGrantRequest(as, client, auth, wish, how)
      .then((answer) => oauth.processClientCredentialsResponse(as, client, answer))
  const { access_token } = await ask(oauth.TlsClientAuth(), ways('forum'))
  const service = { client_id: 'files' }
  const looked = await oauth
    .introspectionRequest(as, service, oauth.ClientSecretBasic(files.secret), access_token, ways())
    .then((answer) => oauth.processIntrospectionResponse(as, service, answer))
  assert.deepEqual(looked.cnf, { 'x5t#S256': authority.thumbprint('forum') })
  await assert.rejects(ask(oauth.TlsClientAuth(), ways('other')), refused)
  // At the first address, where pages are, no certificate counts.
  delete client.use_mtls_endpoint_aliases
  await assert.rejects(ask(oauth.TlsClientAuth(), ways('forum')), refused)
}
