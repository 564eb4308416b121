// Answers that a page posts to the app (form_post, and form_post.jwt of JARM), read by openid-client
// and oauth4webapi.
import assert from 'node:assert/strict'
import * as oidc from 'openid-client'
import * as oauth from 'oauth4webapi'
import { address, asking, begin } from './code.js'
import { Person, posted } from './person.js'

const BACK = 'https://forum.example/callback'
const insecure = { [oauth.allowInsecureRequests]: true }

// What arrives at the app: nothing but the answer.
async function arrives(page, ...names) {
  const request = posted(page)
  assert.equal(request.url, BACK)
  const fields = new URLSearchParams(await request.clone().text())
  assert.deepEqual([...fields.keys()].sort(), names)
  return request
}

export function tests({ issuer, forum }) {
  const wish = { redirect_uri: BACK, scope: 'openid profile' }

  return {
    async 'openid-client: an answer that comes as a form, plain and signed'() {
      const { client_id, client_secret } = forum('forum-posted', '--response-algorithm', 'ES256')
      const discover = (metadata, ...execute) =>
        oidc.discovery(new URL(issuer), client_id, metadata, oidc.ClientSecretBasic(client_secret), {
          execute: [oidc.allowInsecureRequests, ...execute],
        })
      const person = new Person(issuer)
      // The library asks for `jwt` by itself, so the mode is put there after it.
      const ask = async (config, response_mode) => {
        const asked = await begin(config, { ...wish, prompt: 'consent' })
        asked.url.searchParams.set('response_mode', response_mode)
        return asked
      }
      const signed = { client_secret, authorization_signed_response_alg: 'ES256' }
      const refusal = ['error', 'error_description', 'iss', 'state']
      for (const [config, mode, good, bad] of [
        [await discover(), 'form_post', ['code', 'iss', 'state'], refusal],
        [await discover(signed, oidc.useJwtResponseMode), 'form_post.jwt', ['response'], ['response']],
      ]) {
        const { url, checks } = await ask(config, mode)
        const request = await arrives(await person.allow(url), ...good)
        const tokens = await oidc.authorizationCodeGrant(config, request.clone(), checks)
        const info = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)
        assert.equal(info.preferred_username, 'temuulen')
        // The same answer again, and in another browser.
        await assert.rejects(oidc.authorizationCodeGrant(config, request.clone(), checks), { error: 'invalid_grant' })
        const other = oidc.randomState()
        await assert.rejects(oidc.authorizationCodeGrant(config, request, { ...checks, expectedState: other }))
        // A refusal comes the same way.
        const again = await ask(config, mode)
        const denied = await person.submit(await person.go(again.url), { decision: 'deny' })
        const said = await arrives(denied, ...bad)
        await assert.rejects(oidc.authorizationCodeGrant(config, said, again.checks), { error: 'access_denied' })
      }
    },

    async 'oauth4webapi: an answer that comes as a form, each step validated'() {
      const { client_id, client_secret } = forum('forum-posts')
      const as = await oauth
        .discoveryRequest(new URL(issuer), insecure)
        .then((answer) => oauth.processDiscoveryResponse(new URL(issuer), answer))
      const client = { client_id }
      const auth = oauth.ClientSecretBasic(client_secret)
      const read = async (request) => new URLSearchParams(await oauth.formPostResponse(request))
      const person = new Person(issuer)
      for (const [response_mode, validate, names] of [
        ['form_post', oauth.validateAuthResponse, ['code', 'iss', 'state']],
        ['form_post.jwt', oauth.validateJwtAuthResponse, ['response']],
      ]) {
        assert.ok(as.response_modes_supported.includes(response_mode))
        const { parameters, state, verifier } = await asking(client, { ...wish, response_mode, nonce: 'n' })
        const request = await arrives(await person.allow(address(as, parameters)), ...names)
        const fields = await read(request.clone())
        const found = await validate(as, client, fields, state, insecure)
        const tokens = await oauth
          .authorizationCodeGrantRequest(as, client, auth, found, BACK, verifier, insecure)
          .then((answer) => oauth.processAuthorizationCodeResponse(as, client, answer, { expectedNonce: 'n' }))
        assert.equal(oauth.getValidatedIdTokenClaims(tokens).aud, client_id)
        // Changed on the way it is none; nor is it one where it comes by GET.
        const value = fields.get(names.at(-1))
        fields.set(names.at(-1), value.slice(0, -4) + (value.endsWith('AAAA') ? 'BBBB' : 'AAAA'))
        await assert.rejects(async () => validate(as, client, fields, state, insecure))
        await assert.rejects(read(new Request(`${BACK}?${await request.text()}`)))
      }
      // What cannot be granted without a page is refused the same way.
      for (const [response_mode, validate] of [
        ['form_post', oauth.validateAuthResponse],
        ['form_post.jwt', oauth.validateJwtAuthResponse],
      ]) {
        const { parameters, state } = await asking(client, { ...wish, response_mode, prompt: 'none' })
        const fields = await read(posted(await new Person(issuer).go(address(as, parameters))))
        await assert.rejects(async () => validate(as, client, fields, state, insecure), { error: 'login_required' })
      }
    },
  }
}
