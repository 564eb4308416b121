// What an app is allowed in detail (rich authorization requests, RFC 9396) and manages by a name
// (Grant Management), by openid-client and oauth4webapi.
import assert from 'node:assert/strict'
import * as oidc from 'openid-client'
import * as oauth from 'oauth4webapi'
import * as jose from 'jose'
import { address, asking, begin, signIn } from './code.js'
import { Person, heading } from './person.js'

const BACK = 'https://shop.example/back'
const insecure = { [oauth.allowInsecureRequests]: true }
const PAYMENT = { type: 'payment', actions: ['initiate'], amount: '12.50 EUR', creditor: '<b>Saraa</b>' }
const ENTRY = { type: 'entry', identifier: 'north', hours: [8, 20] }
const DOOR = { type: 'door', actions: ['open'], datatypes: ['front'] }
const MANAGE = 'grant_management_query grant_management_revoke'

export function tests({ server, issuer, keys }) {
  const add = (kind, ...words) => JSON.parse(server.command(kind, 'add', ...words, '--json'))
  const discover = (id, secret) =>
    oidc.discovery(new URL(issuer), id, undefined, oidc.ClientSecretBasic(secret), {
      execute: [oidc.allowInsecureRequests],
    })
  const discovered = (at = issuer) =>
    oauth.discoveryRequest(new URL(at), insecure).then((answer) => oauth.processDiscoveryResponse(new URL(at), answer))
  // A service that declares types, and has a scope of its name.
  const declares = async (name, types, ...more) => {
    const declared = types.flatMap((type) => ['--detail-type', type])
    const made = add('service', name, '--audience', `https://${name}.example`, '--scope', name, ...declared, ...more)
    await server.seen(name)
    return made
  }
  const app = (id, scope, types, ...more) => {
    const may = types.flatMap((type) => ['--detail-type', type])
    return add('client', id, '--redirect', BACK, '--scope', scope, ...may, ...more)
  }

  return {
    async 'openid-client: a payment, pushed in detail, read by the person and told to the service'() {
      const till = await declares('till', ['payment'])
      const scope = 'openid offline_access till'
      const { client_id, client_secret } = app('shop', scope, ['payment'])
      const config = await discover(client_id, client_secret)
      const wish = { redirect_uri: BACK, scope, authorization_details: JSON.stringify([PAYMENT]) }
      const { url, checks } = await begin(config, wish, oidc.buildAuthorizationUrlWithPAR)
      assert.deepEqual([...url.searchParams.keys()].sort(), ['client_id', 'request_uri'])
      const person = new Person(issuer)
      const page = await person.signIn(await person.go(url), 'temuulen')
      for (const words of ['payment', '&quot;initiate&quot;', '12.50 EUR', '&lt;b&gt;Saraa']) {
        assert.ok(page.html.includes(words), words)
      }
      const { away } = await person.submit(page, { decision: 'allow' })
      const tokens = await oidc.authorizationCodeGrant(config, away, checks)
      assert.deepEqual(tokens.authorization_details, [PAYMENT])
      const service = await discover('till', till.secret)
      const told = await oidc.tokenIntrospection(service, tokens.access_token)
      assert.deepEqual(told.authorization_details, [PAYMENT])
      // For as long as the grant lives, and for no other audience.
      const next = await oidc.refreshTokenGrant(config, tokens.refresh_token)
      assert.deepEqual(next.authorization_details, [PAYMENT])
      const other = await oidc.refreshTokenGrant(config, tokens.refresh_token, { resource: issuer })
      assert.equal(other.authorization_details, undefined)
      // The scopes are on file now; what is asked in detail is asked anew, and may be refused.
      const again = await begin(config, wish)
      const asked = await person.go(again.url)
      assert.match(heading(asked), /use your account/)
      const denied = await person.submit(asked, { decision: 'deny' })
      await assert.rejects(oidc.authorizationCodeGrant(config, denied.away, again.checks), { error: 'access_denied' })
      for (const wrong of [[DOOR], [{ ...PAYMENT, locations: ['https://door.example'] }], PAYMENT]) {
        const more = { ...wish, authorization_details: JSON.stringify(wrong) }
        await assert.rejects(begin(config, more, oidc.buildAuthorizationUrlWithPAR), {
          error: 'invalid_authorization_details',
        })
      }
    },

    async 'oauth4webapi: details in a signed request, in the token, and in signed introspection'() {
      const safe = await declares('safe', ['entry', 'door'], '--own-issuer', '--algorithm', 'ES256')
      const { publicKey, privateKey } = await jose.generateKeyPair('ES256', { extractable: true })
      const jwk = { ...(await jose.exportJWK(publicKey)), kid: 'butler', use: 'sig' }
      app('butler', 'openid safe', ['entry', 'door'], ...keys(jwk), '--request-object', 'required')
      const as = await discovered()
      for (const type of ['entry', 'door']) assert.ok(as.authorization_details_types_supported.includes(type))
      const client = { client_id: 'butler' }
      const key = { key: privateKey, kid: 'butler' }
      const auth = oauth.PrivateKeyJwt(key)
      const push = async (details) => {
        const wish = { redirect_uri: BACK, scope: 'openid safe', authorization_details: JSON.stringify(details) }
        const { parameters, ...checks } = await asking(client, wish)
        // The library puts the list itself into what it signs.
        const request = await oauth.issueRequestObject(as, client, parameters, key)
        assert.deepEqual(jose.decodeJwt(request).authorization_details, details)
        const { request_uri } = await oauth
          .pushedAuthorizationRequest(as, client, auth, { request }, insecure)
          .then((answer) => oauth.processPushedAuthorizationResponse(as, client, answer))
        return { url: address(as, { client_id: 'butler', request_uri }), ...checks }
      }
      const { url, state, verifier } = await push([DOOR, ENTRY])
      const { away } = await new Person(issuer).allow(url)
      const found = oauth.validateAuthResponse(as, client, away, state)
      const tokens = await oauth
        .authorizationCodeGrantRequest(as, client, auth, found, BACK, verifier, insecure)
        .then((answer) => oauth.processAuthorizationCodeResponse(as, client, answer))
      assert.deepEqual(tokens.authorization_details, [DOOR, ENTRY])
      // The service, by itself and by asking.
      const authorization = `Bearer ${tokens.access_token}`
      const request = new Request('https://safe.example/door', { headers: { authorization } })
      const own = await discovered(`${issuer}/services/safe`)
      const claims = await oauth.validateJwtAccessToken(own, request, 'https://safe.example', insecure)
      assert.deepEqual(claims.authorization_details, [DOOR, ENTRY])
      const asks = { client_id: 'safe', introspection_signed_response_alg: 'ES256' }
      const answer = await oauth.introspectionRequest(
        as,
        asks,
        oauth.ClientSecretBasic(safe.secret),
        tokens.access_token,
        { ...insecure, requestJwtResponse: true },
      )
      const told = await oauth.processIntrospectionResponse(as, asks, answer)
      await oauth.validateApplicationLevelSignature(as, answer, insecure)
      assert.deepEqual(told.authorization_details, [DOOR, ENTRY])
      await assert.rejects(push([{ ...DOOR, actions: 'open' }]), { error: 'invalid_authorization_details' })
    },

    async 'openid-client: an app makes a grant, reads, widens, replaces and ends it'() {
      const scope = 'openid profile email offline_access'
      const grants = ['authorization_code', 'refresh_token', 'client_credentials'].flatMap((one) => ['--grant', one])
      const named = (id) => app(id, `${scope} ${MANAGE}`, [], '--name', 'Steppe ledger', ...grants)
      const { client_secret } = named('ledger')
      const config = await discover('ledger', client_secret)
      const at = config.serverMetadata().grant_management_endpoint
      const person = new Person(issuer)
      const grant = (wished, more) => signIn(config, person, { redirect_uri: BACK, scope: wished, ...more })
      const first = await grant('openid profile offline_access', { grant_management_action: 'create' })
      const id = first.grant_id
      const own = await oidc.clientCredentialsGrant(config, { scope: MANAGE })
      const call = (method, token = own.access_token, which = id) =>
        oidc.fetchProtectedResource(config, token, new URL(`${at}/${which}`), method)
      const read = async () => (await call('GET')).json()
      assert.deepEqual((await read()).scopes, [{ scope: 'openid profile offline_access' }])
      const merged = await grant('openid email', { grant_management_action: 'merge', grant_id: id })
      assert.equal(merged.grant_id, id)
      const [{ scope: both }] = (await read()).scopes
      assert.deepEqual(both.split(' ').sort(), scope.split(' ').sort())
      // The refresh token from before gives nothing any more.
      await assert.rejects(oidc.refreshTokenGrant(config, first.refresh_token), { error: 'invalid_grant' })
      const replaced = await grant('openid offline_access', { grant_management_action: 'replace', grant_id: id })
      assert.deepEqual((await read()).scopes, [{ scope: 'openid offline_access' }])
      assert.ok((await oidc.refreshTokenGrant(config, replaced.refresh_token)).access_token)
      // What was given for the person reads it too, where the app asked for that.
      const asked = await grant(`openid offline_access ${MANAGE}`, { grant_management_action: 'replace', grant_id: id })
      const seen = await (await call('GET', asked.access_token)).json()
      assert.deepEqual(seen.scopes, [{ scope: 'openid offline_access' }])
      assert.equal((await call('GET', asked.access_token, 'no-such-grant')).status, 404)
      // Not by one without the scope, a person's or the app's own, nor by another app.
      await assert.rejects(call('GET', replaced.access_token), { status: 403 })
      const looks = await oidc.clientCredentialsGrant(config, { scope: 'grant_management_query' })
      await assert.rejects(call('DELETE', looks.access_token), (why) => {
        assert.ok(why instanceof oidc.WWWAuthenticateChallengeError)
        assert.equal(why.cause[0].parameters.error, 'insufficient_scope')
        return why.status === 403
      })
      const stranger = await discover('stranger', named('stranger').client_secret)
      const { access_token } = await oidc.clientCredentialsGrant(stranger, { scope: MANAGE })
      for (const method of ['GET', 'DELETE']) assert.equal((await call(method, access_token)).status, 404)
      const taken = { redirect_uri: BACK, scope, grant_management_action: 'merge', grant_id: id }
      await assert.rejects(signIn(stranger, person, taken), { error: 'invalid_grant_id' })
      // It is what the person sees, and ends for both.
      const connected = async () => (await person.go('/account/apps')).html.includes('Steppe ledger')
      assert.ok(await connected())
      assert.equal((await call('DELETE')).status, 204)
      assert.ok(!(await connected()))
      assert.equal((await call('GET')).status, 404)
      await assert.rejects(oidc.refreshTokenGrant(config, replaced.refresh_token), { error: 'invalid_grant' })
      await assert.rejects(grant('openid', { grant_management_action: 'merge', grant_id: id }), {
        error: 'invalid_grant_id',
      })
    },

    async 'oauth4webapi: a grant in detail, managed by a token that is bound to a key'() {
      await declares('house', ['key', 'lamp'], '--proof', 'dpop')
      const grants = ['authorization_code', 'refresh_token', 'client_credentials'].flatMap((one) => ['--grant', one])
      const scope = 'openid offline_access house'
      const { client_secret } = app('porter', `${scope} ${MANAGE}`, ['key', 'lamp'], ...grants, '--dpop', 'required')
      const as = await discovered()
      const can = ['create', 'merge', 'query', 'replace', 'revoke']
      assert.deepEqual([...as.grant_management_actions_supported].sort(), can)
      const client = { client_id: 'porter' }
      const auth = oauth.ClientSecretBasic(client_secret)
      const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
      const options = { ...insecure, DPoP }
      // Our nonce comes with the first refusal.
      const twice = (ask) =>
        ask().catch((why) => {
          if (!oauth.isDPoPNonceError(why)) throw why
          return ask()
        })
      const person = new Person(issuer)
      const grant = async (details, more) => {
        const wish = { redirect_uri: BACK, scope, authorization_details: JSON.stringify(details), ...more }
        const { parameters, state, verifier } = await asking(client, wish)
        const { away } = await person.allow(address(as, parameters))
        const found = oauth.validateAuthResponse(as, client, away, state)
        return twice(() =>
          oauth
            .authorizationCodeGrantRequest(as, client, auth, found, BACK, verifier, options)
            .then((answer) => oauth.processAuthorizationCodeResponse(as, client, answer)),
        )
      }
      const refresh = (token) =>
        twice(() =>
          oauth
            .refreshTokenGrantRequest(as, client, auth, token, options)
            .then((answer) => oauth.processRefreshTokenResponse(as, client, answer)),
        )
      const key = { type: 'key', actions: ['open'] }
      const lamp = { type: 'lamp', actions: ['light'] }
      const { grant_id } = await grant([key], { grant_management_action: 'create' })
      const { access_token } = await twice(() =>
        oauth
          .clientCredentialsGrantRequest(as, client, auth, new URLSearchParams({ scope: MANAGE }), options)
          .then((answer) => oauth.processClientCredentialsResponse(as, client, answer)),
      )
      const at = new URL(`${as.grant_management_endpoint}/${grant_id}`)
      const call = (method, how = options) =>
        oauth.protectedResourceRequest(access_token, method, at, undefined, undefined, how)
      const read = async () => (await call('GET')).json()
      assert.deepEqual((await read()).authorization_details, [key])
      await grant([lamp], { grant_management_action: 'merge', grant_id })
      assert.deepEqual((await read()).authorization_details, [key, lamp])
      const last = await grant([lamp], { grant_management_action: 'replace', grant_id })
      assert.deepEqual((await read()).authorization_details, [lamp])
      assert.deepEqual((await refresh(last.refresh_token)).authorization_details, [lamp])
      // Without its key the token opens nothing.
      const stolen = { ...insecure, DPoP: oauth.DPoP(client, await oauth.generateKeyPair('ES256')) }
      for (const how of [insecure, stolen]) {
        await assert.rejects(call('DELETE', how), { code: oauth.WWW_AUTHENTICATE_CHALLENGE, status: 401 })
      }
      assert.equal((await call('DELETE')).status, 204)
      await assert.rejects(refresh(last.refresh_token), { error: 'invalid_grant' })
    },
  }
}
