// Step-up (RFC 9470): a service wants a proof that is fresh or of another class, and apps by
// oauth4webapi and openid-client begin anew with what it says.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import * as oidc from 'openid-client'
import * as oauth from 'oauth4webapi'
import { address, asking, begin, signIn } from './code.js'
import { PASSWORD, Person, heading } from './person.js'

const CALLBACK = 'http://127.0.0.1:7659/callback'
const CLASS = 'urn:gerege:acr:password'
const insecure = { [oauth.allowInsecureRequests]: true }

// A service by nobody in particular: it lets in whoever has proved themselves since it asked them to,
// in one of the classes that it names.
async function vault(scheme, classes, judge, test) {
  const asked = new Map()
  const server = createServer(async (request, response) => {
    const claims = await judge(request).catch(() => undefined)
    if (!claims) return response.writeHead(401, { 'www-authenticate': `${scheme} error="invalid_token"` }).end()
    const since = asked.get(claims.sub)
    const { sub, acr, auth_time } = claims
    if (auth_time >= since && classes.includes(acr)) return response.end(JSON.stringify({ sub, acr, auth_time }))
    asked.set(claims.sub, since ?? Math.floor(Date.now() / 1000))
    const wanted = `acr_values="${classes.join(' ')}", max_age="0"`
    const why = 'error="insufficient_user_authentication", error_description="Type your password, \\"now\\""'
    response.writeHead(401, { 'www-authenticate': `${scheme} ${why}, ${wanted}` }).end()
  })
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready))
  try {
    await test(new URL(`http://127.0.0.1:${server.address().port}/gold`))
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

// Times count in seconds: until the proof is older than whatever is asked from now on.
async function older({ auth_time }) {
  while (Math.floor(Date.now() / 1000) <= auth_time) await new Promise((resolve) => setTimeout(resolve, 50))
}

// What a service wants, as the library reads it.
async function challenged(called, scheme) {
  const why = await called.then(
    () => assert.fail('it was content'),
    (why) => why,
  )
  assert.ok(why instanceof oauth.WWWAuthenticateChallengeError, why)
  assert.equal(why.status, 401)
  const { error, error_description, acr_values, max_age } = why.cause.find((one) => one.scheme === scheme).parameters
  assert.equal(error, 'insufficient_user_authentication')
  assert.equal(error_description, 'Type your password, "now"')
  return { acr_values, max_age }
}

export function tests({ server, issuer }) {
  const add = (kind, ...words) => JSON.parse(server.command(kind, 'add', ...words, '--json'))
  const discovered = (at = issuer) =>
    oauth.discoveryRequest(new URL(at), insecure).then((answer) => oauth.processDiscoveryResponse(new URL(at), answer))
  const app = (id, scope) =>
    add('client', id, '--public', '--first-party', '--silent', '--redirect', CALLBACK, '--scope', scope)

  return {
    async 'oauth4webapi: a service that asks us wants a fresh proof, and the app brings one'() {
      const vaults = 'https://vault.example'
      const { secret } = add('service', 'vault', '--audience', vaults, '--scope', 'vault', '--format', 'opaque')
      await server.seen('vault')
      const client = { client_id: 'vault-app' }
      app(client.client_id, 'openid offline_access vault')
      const as = await discovered()
      assert.ok(as.acr_values_supported.includes(CLASS))
      const auth = oauth.None()
      const judge = async (request) => {
        const token = /^Bearer (.+)$/i.exec(request.headers.authorization)[1]
        const service = { client_id: 'vault' }
        const told = await oauth
          .introspectionRequest(as, service, oauth.ClientSecretBasic(secret), token, insecure)
          .then((answer) => oauth.processIntrospectionResponse(as, service, answer))
        return told.active ? told : undefined
      }
      await vault('Bearer', [CLASS], judge, async (at) => {
        const person = new Person(issuer)
        const ask = async (wish) => {
          const scope = 'openid offline_access vault'
          const { parameters, ...checks } = await asking(client, { redirect_uri: CALLBACK, scope, ...wish })
          return { page: await person.go(address(as, parameters)), ...checks }
        }
        const redeem = async (away, { state, verifier }, maxAge) => {
          const found = oauth.validateAuthResponse(as, client, away, state)
          return oauth
            .authorizationCodeGrantRequest(as, client, auth, found, CALLBACK, verifier, insecure)
            .then((answer) => oauth.processAuthorizationCodeResponse(as, client, answer, { maxAge }))
        }
        const call = (token) => oauth.protectedResourceRequest(token, 'GET', at, undefined, undefined, insecure)
        const first = await ask({})
        const tokens = await redeem((await person.signIn(first.page, 'temuulen')).away, first, undefined)
        await older(oauth.getValidatedIdTokenClaims(tokens))
        const wanted = await challenged(call(tokens.access_token), 'bearer')
        assert.deepEqual(wanted, { acr_values: CLASS, max_age: '0' })
        // Neither a refreshed token nor a sign-in without a new proof will do.
        const next = await oauth
          .refreshTokenGrantRequest(as, client, auth, tokens.refresh_token, insecure)
          .then((answer) => oauth.processRefreshTokenResponse(as, client, answer))
        await challenged(call(next.access_token), 'bearer')
        const silent = await ask({ ...wanted, prompt: 'none' })
        assert.throws(() => oauth.validateAuthResponse(as, client, silent.page.away, silent.state), {
          error: 'login_required',
        })
        const again = await ask(wanted)
        assert.equal(heading(again.page), 'Confirm it is you')
        const { away } = await person.submit(again.page, { password: PASSWORD })
        const fresh = await redeem(away, again, Number(wanted.max_age))
        const claims = oauth.getValidatedIdTokenClaims(fresh)
        assert.equal(claims.acr, CLASS)
        const told = await call(fresh.access_token).then((answer) => answer.json())
        assert.deepEqual(told, { sub: claims.sub, acr: CLASS, auth_time: claims.auth_time })
        await challenged(call(next.access_token), 'bearer')
      })
    },

    async 'openid-client: a service that reads the token itself, bound to a key, and a class out of reach'() {
      const audience = 'https://mint.example'
      add('service', 'mint', '--audience', audience, '--scope', 'mint', '--own-issuer', '--proof', 'dpop')
      await server.seen('mint')
      app('mint-app', 'openid mint')
      const as = await discovered(`${issuer}/services/mint`)
      const config = await oidc.discovery(new URL(issuer), 'mint-app', undefined, oidc.None(), {
        execute: [oidc.allowInsecureRequests],
      })
      const own = { DPoP: oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256')) }
      const wish = { redirect_uri: CALLBACK, scope: 'openid mint', resource: audience }
      const judge = async (request) => {
        const { url, method, headers } = request
        const asked = new Request(`http://${headers.host}${url}`, { method, headers: withoutHost(headers) })
        return oauth.validateJwtAccessToken(as, asked, audience, { ...insecure, requireDPoP: true })
      }
      const person = new Person(issuer)
      const call = (at, tokens) =>
        oidc.fetchProtectedResource(config, tokens.access_token, at, 'GET', undefined, undefined, own)
      await vault('DPoP', [CLASS], judge, async (at) => {
        const tokens = await signIn(config, person, wish, own)
        await older(tokens.claims())
        const wanted = await challenged(call(at, tokens), 'dpop')
        const { url, checks } = await begin(config, { ...wish, ...wanted })
        const { away } = await person.submit(await person.go(url), { password: PASSWORD })
        const maxAge = Number(wanted.max_age)
        const fresh = await oidc.authorizationCodeGrant(config, away, { ...checks, maxAge }, undefined, own)
        const told = await call(at, fresh).then((answer) => answer.json())
        assert.equal(told.acr, CLASS)
        assert.equal(told.auth_time, fresh.claims().auth_time)
        assert.ok(told.auth_time > tokens.claims().auth_time)
      })
      // As a wish it is granted as far as it goes; as a must it is refused at once (OpenID Connect
      // Core 5.5.1.1).
      await vault('DPoP', ['urn:example:two-keys'], judge, async (at) => {
        const tokens = await signIn(config, person, wish, own)
        const { acr_values } = await challenged(call(at, tokens), 'dpop')
        const less = await signIn(config, person, { ...wish, acr_values }, own)
        assert.equal(less.claims().acr, CLASS)
        await challenged(call(at, less), 'dpop')
        const claims = JSON.stringify({ id_token: { acr: { essential: true, values: [acr_values] } } })
        await assert.rejects(signIn(config, person, { ...wish, claims }, own), {
          error: 'unmet_authentication_requirements',
        })
      })
    },
  }
}

// A request of one's own makes its host from its address.
function withoutHost({ host: _, connection: __, ...headers }) {
  return headers
}
